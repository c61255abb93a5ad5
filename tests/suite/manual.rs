//! The man page and the shells' completions are made of the tables that `--help` is made of.
//!
//! `BLESS=1` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use tencent_desk_exporter::commands::{BACKFILL_FLAGS, COMMANDS, FLAGS};
use tencent_desk_exporter::config::{PREFIX, SETTINGS};

use crate::support::repository::{file, read};
use crate::support::tools::{run, run_with, tool};

const NAME: &str = "tencent-desk-exporter";

/// Text of roff: no command and no escape in it.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

/// The man page, in the macros that both man-db and mandoc read (`man(7)`).
fn man_page() -> String {
    let mut page = format!(
        ".\\\" Made by tests/suite/manual.rs of the tables of --help.\n\
         .TH TENCENT\\-DESK\\-EXPORTER 1 \"\" \"{NAME}\" \"User Commands\"\n\
         .SH NAME\n{} \\- Prometheus exporter for Tencent Cloud Contact Center's Desk\n\
         .SH SYNOPSIS\n.B {}\n.RI [ COMMAND ]\n.RI [ FLAGS ]\n\
         .SH DESCRIPTION\n\
         Polls the Desk API of Tencent Cloud Contact Center and serves today's figures of every agent, and the queue as \
         it stands, to Prometheus.\n.SH COMMANDS\n",
        roff(NAME),
        roff(NAME),
    );
    for (command, meaning) in COMMANDS {
        writeln!(page, ".TP\n.B {}\n{}", roff(command), roff(meaning)).unwrap();
    }
    page += ".SH OPTIONS\nEach is another spelling of a variable, over which it wins.\n";
    for (flag, setting) in FLAGS {
        let (flag, variable) = (roff(&format!("--{flag}")), format!("{PREFIX}{setting}"));
        writeln!(page, ".TP\n.BI {flag}= VALUE\n{variable}").unwrap();
    }
    page += ".PP\nOf\n.BR backfill ,\nwhose days are those of TENCENT_DESK_TIME_ZONE, before the present one:\n";
    for (flag, value, meaning) in BACKFILL_FLAGS {
        let (flag, value) = (roff(&format!("--{flag}")), roff(value));
        writeln!(page, ".TP\n.BI \"{flag} \" \"{value}\"\n{}", roff(meaning)).unwrap();
    }
    page += ".PP\nOf all:\n.TP\n.BR \\-\\-help , \" \\-h\"\nPrints the help.\n\
             .TP\n.BR \\-\\-version , \" \\-V\"\nPrints the version.\n\
             .SH ENVIRONMENT\nAn empty variable counts as unset.\n";
    for setting in SETTINGS {
        let (meaning, default) = (roff(setting.meaning), roff(setting.default));
        writeln!(
            page,
            ".TP\n.B {PREFIX}{}\n{meaning} [{default}]",
            setting.name
        )
        .unwrap();
    }
    page += ".TP\n.BR HTTPS_PROXY , \" NO_PROXY\"\nA proxy on the way to Desk, as curl reads them.\n\
             .TP\n.BR SSL_CERT_FILE , \" SSL_CERT_DIR\"\nCertificates to trust, in place of the system's.\n\
             .TP\n.B CREDENTIALS_DIRECTORY\n\
             Set by systemd. Where no variable gives the secret, the credential\n.BR key ,\nor\n.BR user\\-sig ,\n\
             in it does, and\n.B pseudonym\\-key\nfor the key of pseudonyms.\n\
             .SH EXIT STATUS\n\
             .TP\n.B 0\nStopped as asked.\n\
             .TP\n.B 64\nThe configuration is wrong; every mistake is told.\n\
             .TP\n.B 1\nAnything else.\n\
             .SH SIGNALS\n\
             .TP\n.BR SIGTERM , \" SIGINT\"\nStop, after the answers under way.\n\
             .TP\n.B SIGHUP\nReads secrets and the web configuration from their files.\n\
             .SH FILES\n\
             .TP\n.I /etc/tencent\\-desk\\-exporter/env\nSettings of the service; no secret.\n\
             .TP\n.I /etc/tencent\\-desk\\-exporter/key\nThe application's key, which systemd hands over.\n\
             .TP\n.I /etc/tencent\\-desk\\-exporter/NAME/\nThe same of the service tencent\\-desk\\-exporter@NAME.\n\
             .TP\n.I /usr/share/doc/tencent\\-desk\\-exporter/\nRunbook, rules, dashboards, examples.\n\
             .SH SEE ALSO\n.BR prometheus (1),\n.BR systemd.exec (5)\n";
    page
}

/// What a flag's value may be.
fn values(setting: &str) -> &'static [&'static str] {
    match setting {
        "LOG_LEVEL" => &["error", "warn", "info", "debug", "trace", "off"],
        "LOG_FORMAT" => &["logfmt", "json"],
        _ => &[],
    }
}

fn bash() -> String {
    let commands: Vec<_> = COMMANDS.iter().map(|(command, _)| *command).collect();
    let flags: Vec<_> = FLAGS.iter().map(|(flag, _)| format!("--{flag}=")).collect();
    let of_backfill = BACKFILL_FLAGS.iter().map(|(flag, ..)| format!("--{flag}"));
    let of_backfill: Vec<_> = of_backfill.collect();
    let mut script = String::from(
        "# Made by tests/suite/manual.rs of the tables of --help.\n\
         _tencent_desk_exporter() {\n    \
             local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n    \
             COMPREPLY=()\n    \
             # Bash parts words at =.\n    \
             if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n    \
             case $before in\n",
    );
    for (flag, setting) in FLAGS {
        let reply = match (values(setting), setting.ends_with("_FILE")) {
            (_, true) => "-f".to_owned(),
            ([], false) => continue,
            (values, false) => format!("-W '{}'", values.join(" ")),
        };
        let line = format!("COMPREPLY=($(compgen {reply} -- \"$word\")); return");
        writeln!(script, "        --{flag}) {line} ;;").unwrap();
    }
    script += &format!(
        "        --output) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n    \
         esac\n    \
         if [[ $COMP_CWORD -gt 1 && ${{COMP_WORDS[1]}} == backfill ]]; then\n        \
             COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n        \
             return\n    \
         fi\n    COMPREPLY=($(compgen -W '{} {} --help --version' -- \"$word\"))\n    \
         [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace\n}}\n\
         complete -F _tencent_desk_exporter {NAME}\n",
        of_backfill.join(" "),
        commands.join(" "),
        flags.join(" ")
    );
    script
}

/// `text` within single quotes of a shell, where `also` are to be escaped too.
fn quoted(text: &str, also: &[char]) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted += "'\\''",
            c => {
                quoted.extend(also.contains(&c).then_some('\\'));
                quoted.push(c);
            }
        }
    }
    quoted + "'"
}

fn meaning_of(setting: &str) -> &'static str {
    let found = SETTINGS.iter().find(|known| known.name == setting);
    found.unwrap().meaning
}

fn zsh() -> String {
    let mut script = format!(
        "#compdef {NAME}\n# Made by tests/suite/manual.rs of the tables of --help.\n\
         local -a commands=(\n"
    );
    for (command, meaning) in COMMANDS {
        writeln!(
            script,
            "    {}",
            quoted(&format!("{command}:{meaning}"), &[])
        )
        .unwrap();
    }
    script += ")\n_arguments \\\n";
    for (flag, setting) in FLAGS {
        let action = match (values(setting), setting.ends_with("_FILE")) {
            (_, true) => "_files".to_owned(),
            ([], false) => String::new(),
            (values, false) => format!("({})", values.join(" ")),
        };
        // What has a meaning of its own within an option's description.
        let meaning: String = meaning_of(setting)
            .chars()
            .flat_map(|c| ['\\', c].into_iter().skip(usize::from(!"[]:".contains(c))))
            .collect();
        let option = format!("--{flag}=[{meaning}]:value:{action}");
        writeln!(script, "    {} \\", quoted(&option, &[])).unwrap();
    }
    for (flag, value, meaning) in BACKFILL_FLAGS {
        let action = match (*flag, *value) {
            (_, "") => "",
            ("output", _) => ":value:_files",
            _ => ":value:",
        };
        let option = format!("--{flag}[of backfill\\: {meaning}]{action}");
        writeln!(script, "    {} \\", quoted(&option, &[])).unwrap();
    }
    script += "    '(- *)'{-h,--help}'[print the help]' \\\n    \
               '(- *)'{-V,--version}'[print the version]' \\\n    \
               '1:command:{_describe command commands}'\n";
    script
}

fn fish() -> String {
    let mut script = format!(
        "# Made by tests/suite/manual.rs of the tables of --help.\ncomplete -c {NAME} -f\n"
    );
    for (command, meaning) in COMMANDS {
        let meaning = quoted(meaning, &['\\']).replace("'\\''", "\\'");
        writeln!(
            script,
            "complete -c {NAME} -n __fish_use_subcommand -a {command} -d {meaning}"
        )
        .unwrap();
    }
    for (flag, setting) in FLAGS {
        let values = match (values(setting), setting.ends_with("_FILE")) {
            (_, true) => "-r -F".to_owned(),
            ([], false) => "-x".to_owned(),
            (values, false) => format!("-x -a '{}'", values.join(" ")),
        };
        let meaning = quoted(meaning_of(setting), &['\\']).replace("'\\''", "\\'");
        writeln!(script, "complete -c {NAME} -l {flag} {values} -d {meaning}").unwrap();
    }
    for (flag, value, meaning) in BACKFILL_FLAGS {
        let values = match (*flag, *value) {
            (_, "") => "",
            ("output", _) => "-r -F ",
            _ => "-x ",
        };
        let seen = "-n '__fish_seen_subcommand_from backfill'";
        writeln!(
            script,
            "complete -c {NAME} {seen} -l {flag} {values}-d '{meaning}'"
        )
        .unwrap();
    }
    script += &format!(
        "complete -c {NAME} -s h -l help -d 'print the help'\n\
         complete -c {NAME} -s V -l version -d 'print the version'\n"
    );
    script
}

#[test]
fn they_are_made_of_the_tables() {
    for (path, text) in [
        ("deploy/man/tencent-desk-exporter.1", man_page()),
        ("deploy/completions/tencent-desk-exporter.bash", bash()),
        ("deploy/completions/_tencent-desk-exporter", zsh()),
        ("deploy/completions/tencent-desk-exporter.fish", fish()),
    ] {
        let path = file(path);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{}: BLESS=1 writes it anew", path.display());
    }
}

#[test]
fn the_man_page_is_sound_and_shows_every_setting() {
    let page = read("deploy/man/tencent-desk-exporter.1");
    let groff = tool("groff", "groff-base");
    let mut render = Command::new(&groff);
    // Without bold and underlined letters.
    render.args(["-man", "-Tutf8", "-P-cbou", "-rLL=120n", "-"]);
    let output = run_with(&mut render, &page);
    for name in SETTINGS.iter().map(|setting| setting.name) {
        assert!(
            output.contains(&format!("{PREFIX}{name}\n")),
            "{name}: {output}"
        );
    }
    for (flag, _) in FLAGS {
        assert!(
            output.contains(&format!("--{flag}=VALUE")),
            "{flag}: {output}"
        );
    }
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let script = file("deploy/completions/tencent-desk-exporter.bash");
    let complete = |words: &str| {
        let line = format!(
            "compopt() {{ :; }}; . {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _tencent_desk_exporter; echo \"${{COMPREPLY[*]}}\"",
            script.display()
        );
        run(Command::new("bash").args(["-c", &line]))
            .trim()
            .to_owned()
    };
    assert_eq!(complete("x ch"), "check");
    assert_eq!(complete("x backfill --f"), "--from --force");
    assert_eq!(complete("x --log.f"), "--log.format=");
    assert_eq!(complete("x --log.format = j"), "json");
    assert_eq!(complete("x --log.format ="), "logfmt json");
    assert_eq!(complete("x --log.level w"), "warn");
    for (command, _) in COMMANDS {
        assert_eq!(complete(&format!("x {command}")), *command);
    }
}
