# Made by tests/suite/manual.rs of the tables of --help.
_tencent_desk_exporter() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    # Bash parts words at =.
    if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi
    case $before in
        --web.config.file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --log.level) COMPREPLY=($(compgen -W 'error warn info debug trace off' -- "$word")); return ;;
        --log.format) COMPREPLY=($(compgen -W 'logfmt json' -- "$word")); return ;;
        --output) COMPREPLY=($(compgen -f -- "$word")); return ;;
    esac
    if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == backfill ]]; then
        COMPREPLY=($(compgen -W '--from --to --output --label --force' -- "$word"))
        return
    fi
    COMPREPLY=($(compgen -W 'serve demo check backfill health --web.listen-address= --web.telemetry-path= --web.config.file= --log.level= --log.format= --help --version' -- "$word"))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _tencent_desk_exporter tencent-desk-exporter
