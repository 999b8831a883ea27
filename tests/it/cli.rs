//! The real binary, where no service is needed: what it refuses, and how it says so.

use std::fs;
use std::process::{Command, Output, Stdio};

/// Nothing listens there: port 1 needs root and is nobody's.
const NOWHERE: &str = "http://127.0.0.1:1";

fn wardwatch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WARDWATCH__") {
            command.env_remove(name);
        }
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    wardwatch(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn bad_usage_ends_with_64() {
    for line in [
        vec!["no-such-command"],
        vec![],
        vec!["replay"],
        vec!["alerts", "show", "123"],
        vec!["watch", "--since", "yesterday"],
        vec!["watch", "--snapshot", "--from-now"],
        vec!["report", "--ward", "RJ1/A1", "--bedded", "few"],
        vec!["replay", "-", "--shift-to-now"],
        vec!["healthcheck", "--server", "localhost:50051"],
        vec!["config", "--set", "log.level"],
    ] {
        let output = run(&line);
        assert_eq!(output.status.code(), Some(64), "{line:?}: {}", stderr(&output));
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{line:?}");
    }
}

#[test]
fn help_is_a_result() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for command in [
        "serve",
        "replay",
        "report",
        "watch",
        "alerts",
        "organisations",
        "wards",
        "cover-groups",
        "strikes",
        "config",
        "migrate",
        "backup",
        "restore",
        "doctor",
        "healthcheck",
    ] {
        assert!(stdout(&output).contains(&format!("\n  {command} ")), "{command}");
    }
    assert!(stdout(&run(&["report", "--help"])).contains("--registered-nurses <N>"));
}

#[test]
fn an_unknown_configuration_key_ends_with_78_and_names_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.toml");
    fs::write(&file, "[retention]\nreports_days = 3\n").unwrap();
    let file = file.to_str().unwrap();
    for command in ["serve", "config"] {
        let output = run(&[command, "--config", file]);
        assert_eq!(output.status.code(), Some(78));
        let expected = format!(
            "wardwatch: unknown configuration key retention.reports_days in {file}; the nearest is retention.report_days\n"
        );
        assert_eq!(stderr(&output), expected);
    }
    let output = wardwatch(&["config"]).env("WARDWATCH__SERVER__LISTN", "127.0.0.1:1").output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("environment variable WARDWATCH__SERVER__LISTN; the nearest is server.listen"));
}

#[test]
fn a_database_is_migrated_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("w.sqlite").display());
    let migrate = || {
        let output = run(&["migrate", "--database", &url, "--output", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        (report["applied"].as_array().unwrap().len(), report["present"].as_array().unwrap().len())
    };
    let (applied, present) = migrate();
    assert!(applied > 0 && present == 0);
    assert_eq!(migrate(), (0, applied));
    assert_eq!(run(&["migrate", "--database", "mysql://h/d"]).status.code(), Some(78));
}

#[test]
fn an_open_address_without_authentication_ends_with_78() {
    let output = run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(78));
    let text = stderr(&output);
    assert!(text.starts_with("wardwatch: server.listen (--listen): ") && text.contains("--insecure"), "{text}");
}

#[test]
fn config_prints_what_is_in_force_and_where_it_comes_from() {
    let mut command = wardwatch(&["config", "--set", "log.level=debug"]);
    let output = command.env("WARDWATCH__LIMITS__CONNECTIONS", "7").env("WARDWATCH_FAULT", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("\nlevel = \"debug\" # --set\n"), "{text}");
    assert!(text.contains("\nconnections = 7 # environment variable WARDWATCH__LIMITS__CONNECTIONS\n"), "{text}");
    assert!(text.contains("\nlisten = \"127.0.0.1:50051\"\n"), "{text}");
    let output = run(&["config", "--check"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn an_unreachable_service_ends_with_1_and_names_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (cursor, wards) = (folder.path().join("cursor"), folder.path().join("wards.csv"));
    let header = "organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,minimum_registered_nurses,\
                  minimum_reason,report_every_minutes,state\n";
    fs::write(&wards, header).unwrap();
    for line in [
        vec!["healthcheck"],
        vec!["healthcheck", "--admin", "127.0.0.1:1"],
        vec!["alerts", "list"],
        vec!["alerts", "show", "1a2b3c4d"],
        vec!["watch", "--cursor-file", cursor.to_str().unwrap()],
        vec!["wards", "import", wards.to_str().unwrap()],
        vec!["organisations", "list"],
        vec!["report", "--ward", "RJ1/A1", "--bedded", "3"],
        vec!["replay", "-"],
    ] {
        let output = wardwatch(&line).args(["--server", NOWHERE]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        let text = stderr(&output);
        assert!(text.contains(NOWHERE) && text.contains("wardwatch serve") && text.lines().count() == 1, "{text}");
        assert!(output.stdout.is_empty(), "{line:?}");
    }
    assert!(!cursor.exists());
}

#[test]
fn a_register_that_cannot_be_read_ends_with_2_and_names_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("organisations.csv");
    let import = |text: &str| {
        fs::write(&file, text).unwrap();
        let output = run(&["organisations", "import", file.to_str().unwrap(), "--server", NOWHERE]);
        (output.status.code(), stderr(&output).replace(file.to_str().unwrap(), "FILE"))
    };
    let header = "organisation,display_name,region,region_name,icb,time_zone";
    let (code, text) = import("organisation,display_name,region,region_name,time_zone\n");
    assert_eq!(code, Some(2));
    assert_eq!(text, format!("FILE:1: column 'icb' is missing; the header must be {header}\n"));
    let (code, text) = import(&format!("{header}\r\nRJ1,Guy's,,,,\r\n,Nobody,,,,\r\n"));
    assert_eq!((code, text.as_str()), (Some(2), "FILE:3: organisation: must be given\n"));
}

#[test]
fn a_file_that_is_not_there_ends_with_1() {
    for line in [["replay", "/nowhere/r.ndjson"], ["replay", "/tmp"]] {
        let output = run(&line);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(line[1]), "{}", stderr(&output));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = wardwatch(&["config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}
