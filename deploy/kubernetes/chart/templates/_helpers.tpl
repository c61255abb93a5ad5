{{/* Names, labels and lists that several objects share. */}}

{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "exporter.fullname" -}}
{{- $name := include "exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- default (ternary (include "exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "exporter.image" -}}
{{- $registry := default .Values.image.registry (.Values.global).imageRegistry | trimSuffix "/" }}
{{- $name := ternary (printf "%s/%s" $registry .Values.image.repository) .Values.image.repository (ne $registry "") }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* Mappings made one, as YAML: of two that have a key, the later one's value counts. */}}
{{- define "exporter.merged" -}}
{{- $all := dict }}
{{- range . }}{{- range $key, $value := . }}{{- $_ := set $all $key $value }}{{- end }}{{- end }}
{{- toYaml $all }}
{{- end }}

{{/* Lists made one, as YAML, for (list KEY OWN FURTHER): a further element takes the place of the own one with its key. */}}
{{- define "exporter.overlaid" -}}
{{- $key := index . 0 }}
{{- $further := default list (index . 2) }}
{{- $taken := dict }}
{{- range $further }}{{- $_ := set $taken (get . $key) true }}{{- end }}
{{- $all := list }}
{{- range index . 1 }}{{- if not (hasKey $taken (get . $key)) }}{{- $all = append $all . }}{{- end }}{{- end }}
{{- toYaml (concat $all $further) }}
{{- end }}

{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* For (list ROOT FURTHER…): labels that every object has, and further ones, which count where they are the same. */}}
{{- define "exporter.labels" -}}
{{- $root := first . }}
{{- $chart := dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- include "exporter.merged" (concat (list $chart (include "exporter.selector" $root | fromYaml) $root.Values.commonLabels) (rest .)) }}
{{- end }}

{{/* The metadata of an object of "root"; "suffix", "namespace", "labels" and "annotations" where they are its own. */}}
{{- define "exporter.meta" -}}
name: {{ include "exporter.fullname" .root }}{{ .suffix }}
namespace: {{ default .root.Release.Namespace .namespace }}
labels:
  {{- include "exporter.labels" (list .root .labels) | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* How a monitor's values say to scrape, for (list ROOT VALUES). The job is the one that the alerts know. The target is
named by the release and not by the pod, so that a restart goes on with the same series. The Operator's label "endpoint",
the port's name, would take the place of the exporter's: an endpoint of Desk. What the values add comes after that. */}}
{{- define "exporter.endpoint" -}}
{{- $root := first . }}
{{- $monitor := last . }}
{{- $given := default dict $monitor.endpoint }}
{{- $relabelings := list
  (dict "targetLabel" "job" "replacement" "tencent-desk")
  (dict "targetLabel" "instance" "replacement" (printf "%s/%s" $root.Release.Namespace (include "exporter.fullname" $root)))
  (dict "action" "labeldrop" "regex" "pod|endpoint") }}
{{- $own := dict
  "port" "metrics"
  "path" (default "/metrics" $root.Values.settings.TELEMETRY_PATH)
  "interval" $monitor.interval
  "scrapeTimeout" $monitor.scrapeTimeout }}
{{- $lists := dict "relabelings" (concat $relabelings (default list $monitor.relabelings) (default list $given.relabelings)) }}
{{- with concat (default list $monitor.metricRelabelings) (default list $given.metricRelabelings) }}
{{- $_ := set $lists "metricRelabelings" . }}
{{- end }}
{{- include "exporter.merged" (list $own $given $lists) }}
{{- end }}

{{/* Which objects a monitor watches, and what holds for all that it scrapes, for (list ROOT VALUES). */}}
{{- define "exporter.monitored" -}}
{{- $root := first . }}
{{- $monitor := last . }}
selector:
  matchLabels:
    {{- include "exporter.selector" $root | nindent 4 }}
{{- if ne (default $root.Release.Namespace $monitor.namespace) $root.Release.Namespace }}
namespaceSelector:
  matchNames: [{{ $root.Release.Namespace }}]
{{- end }}
{{- with $monitor.sampleLimit }}
sampleLimit: {{ int64 . }}
{{- end }}
{{- end }}

{{/* How kubelet asks for a path: itself, or through the binary where TLS or a password is in the way. */}}
{{- define "exporter.probe" -}}
{{- if .root.Values.webConfig.secretName -}}
exec:
  command: [/tencent-desk-exporter, health]
{{- else -}}
httpGet:
  path: {{ .path }}
  port: metrics
{{- end }}
{{- end }}

{{- define "exporter.env" -}}
- name: TENCENT_DESK_LISTEN_ADDRESS
  value: ":10141"
{{- if not .Values.demo }}
- name: {{ ternary "TENCENT_DESK_USER_SIG_FILE" "TENCENT_DESK_SECRET_KEY_FILE" (eq .Values.credential.kind "user-sig") }}
  value: /etc/tencent-desk-exporter/credential/key
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: TENCENT_DESK_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if include "exporter.pseudonyms" . }}
- name: TENCENT_DESK_PSEUDONYM_KEY_FILE
  value: /etc/tencent-desk-exporter/pseudonym/key
{{- end }}
{{- if .Values.webConfig.secretName }}
- name: TENCENT_DESK_WEB_CONFIG_FILE
  value: /etc/tencent-desk-exporter/web/web.yml
{{- end }}
{{- end }}

{{/* Not empty where pseudonyms are made. */}}
{{- define "exporter.pseudonyms" -}}
{{- if eq (default "" .Values.settings.AGENT_LABELS) "pseudonym" }}yes{{ end }}
{{- end }}

{{/* The Secrets that the exporter reads. */}}
{{- define "exporter.volumes" -}}
{{- if not .Values.demo }}
- name: credential
  secret:
    secretName: {{ required "credential.secretName is needed: a Secret with the application's key (or demo=true)" .Values.credential.secretName }}
    defaultMode: 0440
    items:
      - key: {{ .Values.credential.key }}
        path: key
{{- end }}
{{- if include "exporter.pseudonyms" . }}
- name: pseudonym
  secret:
    secretName: {{ required "pseudonymKey.secretName is needed: a Secret with the key of pseudonyms (settings.AGENT_LABELS is pseudonym)" .Values.pseudonymKey.secretName }}
    defaultMode: 0440
    items:
      - key: {{ .Values.pseudonymKey.key }}
        path: key
{{- end }}
{{- with .Values.webConfig.secretName }}
- name: web
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{/* Each of them, where the exporter looks for it. */}}
{{- define "exporter.volumeMounts" -}}
{{- range include "exporter.volumes" . | fromYamlArray }}
- name: {{ .name }}
  mountPath: /etc/tencent-desk-exporter/{{ .name }}
  readOnly: true
{{- end }}
{{- end }}

{{/* Labels of the pod of helm test, which is none of the exporter's. */}}
{{- define "exporter.testSelector" -}}
app.kubernetes.io/name: {{ include "exporter.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
