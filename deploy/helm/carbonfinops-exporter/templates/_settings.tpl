{{/* A setting as the exporter reads it from a variable: lists with commas, mappings as JSON, and no
     number as 2.5e+08. */}}
{{- define "carbonfinops.setting" -}}
{{- if kindIs "string" . -}}
{{- . -}}
{{- else if kindIs "slice" . -}}
{{- join "," . -}}
{{- else -}}
{{- toRawJson . -}}
{{- end -}}
{{- end -}}
