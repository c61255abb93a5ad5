# Made by tests/suite/manual.rs of the tables of --help.
complete -c tencent-desk-exporter -f
complete -c tencent-desk-exporter -n __fish_use_subcommand -a serve -d 'polls the Desk API and serves the metrics until SIGTERM or SIGINT (the default)'
complete -c tencent-desk-exporter -n __fish_use_subcommand -a demo -d 'the same against a simulated Desk inside the process: no account, no network'
complete -c tencent-desk-exporter -n __fish_use_subcommand -a check -d 'reads the configuration, makes one real poll, says what came back and what to do'
complete -c tencent-desk-exporter -n __fish_use_subcommand -a health -d 'asks the exporter that runs here for /-/healthy; exits with 0 or 1'
complete -c tencent-desk-exporter -l web.listen-address -x -d 'IPv6 and IPv4; :10141 means the same; several with commas between'
complete -c tencent-desk-exporter -l web.telemetry-path -x -d 'where the metrics are served'
complete -c tencent-desk-exporter -l web.config.file -r -F -d 'TLS, client certificates, basic auth: the exporter-toolkit\'s file format'
complete -c tencent-desk-exporter -l log.level -x -a 'error warn info debug trace off' -d 'error, warn, info, debug, trace or off, or per-target directives'
complete -c tencent-desk-exporter -l log.format -x -a 'logfmt json' -d 'logfmt or json'
complete -c tencent-desk-exporter -s h -l help -d 'print the help'
complete -c tencent-desk-exporter -s V -l version -d 'print the version'
