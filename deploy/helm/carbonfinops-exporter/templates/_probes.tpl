{{/* One question to the exporter: over HTTP, or from inside where it asks for certificates, which
     starts a program and is therefore done a third as often. Given: {web, path, seconds} */}}
{{- define "carbonfinops.probe" -}}
{{- if .web.clientCertificates -}}
exec:
  command: [carbonfinops, health]
periodSeconds: {{ mul 3 .seconds }}
{{- else -}}
httpGet:
  path: {{ .path }}
  port: metrics
  scheme: {{ ternary "HTTPS" "HTTP" .web.tls }}
periodSeconds: {{ .seconds }}
{{- end }}
timeoutSeconds: 6
{{- end -}}
