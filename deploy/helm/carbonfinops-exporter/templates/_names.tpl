{{/* The name of everything, of at most 63 characters: that of a Service begins with a letter. */}}
{{- define "carbonfinops.name" -}}
{{- $own := default .Chart.Name .Values.nameOverride -}}
{{- $usual := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- $name := default $usual .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "%s: no Service can be named so; set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The name of the BoaviztAPI: a Service's name has at most 63 characters. */}}
{{- define "carbonfinops.boaviztapi" -}}
{{- printf "%s-boaviztapi" (include "carbonfinops.name" . | trunc 52 | trimSuffix "-") -}}
{{- end -}}

{{- define "carbonfinops.serviceAccount" -}}
{{- $made := ternary (include "carbonfinops.name" .) "default" .Values.serviceAccount.create -}}
{{- default $made .Values.serviceAccount.name -}}
{{- end -}}

{{- define "carbonfinops.claim" -}}
{{- default (include "carbonfinops.name" .) .Values.persistence.existingClaim -}}
{{- end -}}

{{/* An image, by its digest where there is one. Given: {image, tag} */}}
{{- define "carbonfinops.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .tag .image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What finds the pods of one component. Given: {root, component} */}}
{{- define "carbonfinops.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Given: {root, component} */}}
{{- define "carbonfinops.labels" -}}
{{ include "carbonfinops.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: carbonfinops
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}
