{{/* Of a duration such as 1m30s. */}}
{{- define "carbonfinops.seconds" -}}
{{- $seconds := 0.0 -}}
{{- $in := dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $seconds = addf $seconds (mulf (regexFind "[0-9]+" . | float64) (get $in (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
