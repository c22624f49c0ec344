{{/* Variables of the container that are not settings of the exporter. */}}
{{- define "carbonfinops.env" -}}
{{- with .Values.aws.region }}
# botocore does not read AWS_REGION.
- name: AWS_DEFAULT_REGION
  value: {{ . | quote }}
{{- end }}
{{- with .Values.aws.existingSecret }}
{{- range $variable := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.aws.existingSecret }}
      key: {{ $variable }}
      {{- if eq $variable "AWS_SESSION_TOKEN" }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Volumes of what exists as a Secret: readable by the exporter's group only, and new where the
     Secret is new. */}}
{{- define "carbonfinops.secretVolumes" -}}
{{- with .Values.secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $from := . }}
      - secret:
          name: {{ $from.existingSecret }}
          items:
            - key: {{ $from.key }}
              path: {{ $name }}
      {{- end }}
{{- end }}
{{- with .Values.web }}
{{- if .existingSecret }}
- name: web
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .existingSecret }}
          items:
            - key: {{ .key }}
              path: web.yml
      {{- with .certificateSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- end }}
{{- end }}
{{- end -}}
