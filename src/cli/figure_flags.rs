//! The table of figures as flags of `report`.

use std::sync::LazyLock;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde_json::{Map, Value};

use super::figures::FIGURES;
use super::table::Kind;

/// The figures' flags: `registered-nurses`.
static FLAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| FIGURES.iter().map(|figure| figure.name.replace('_', "-")).collect());

/// The figures given as flags, as blocks of a report in JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(pub Map<String, Value>);

impl Args for Figures {
    fn augment_args(command: Command) -> Command {
        FIGURES.iter().zip(FLAGS.iter()).fold(command, |command, (figure, flag)| {
            let arg = Arg::new(figure.name).long(flag.as_str()).help(figure.help);
            let (name, truth) = match figure.kind {
                Kind::Count => ("N", false),
                Kind::Time => ("TIME", false),
                Kind::Truth => ("BOOL", true),
                _ => ("WORD", false),
            };
            let arg = arg.value_name(name).allow_negative_numbers(true).help_heading(heading(figure.block));
            command.arg(if truth { arg.num_args(0..=1).default_missing_value("true") } else { arg })
        })
    }
    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Figures {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut figures = Self::default();
        figures.update_from_arg_matches(matches)?;
        Ok(figures)
    }
    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for figure in FIGURES {
            if let Some(text) = matches.get_one::<String>(figure.name) {
                let text = if figure.kind == Kind::OneOf("Judgement") { text.to_uppercase() } else { text.clone() };
                let wrong = |why| clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("--{why}\n"));
                figure.put(&text, &mut self.0).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

fn heading(block: &str) -> &'static str {
    match block {
        "patients" => "Patients",
        "levels_of_care" => "Levels of care",
        "nursing" => "Nursing staff giving direct care now",
        "nursing_hours" => "Nursing hours",
        _ => "Professional judgement",
    }
}
