use std::fmt;

use crate::domain::{BlockKind, Fraction, RedFlagType, Resolution, Severity, StrikeId, SubjectName};
use crate::rules::view::View;

/// Most wards or cover groups that an alert names (engine.md section 1).
pub const MOST_NAMED: usize = 200;

/// Why a rule cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The block was never reported.
    NeverReported(BlockKind),
    /// The block is overdue.
    Overdue(BlockKind),
    /// A count in a present block was not reported.
    Absent(&'static str),
    /// Nothing was required, so nothing can be short.
    NothingRequired,
    /// What a cover group reports is missing or overdue.
    CoverUnknown,
    /// The tiers that a rule needs were not reported.
    TiersAbsent,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its limit is breached.
    Breach(Severity),
    /// Within its limit.
    Clear,
    /// It cannot be said.
    NotEvaluable(Why),
    /// Off, or not for this kind of ward.
    Disabled(&'static str),
    /// Off in the policy in force.
    SwitchedOff,
    /// An open alert of it ends at once, and none is raised.
    Ended(Resolution),
}

/// Figures behind a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What was measured.
    pub measured: Fraction,
    /// Against what.
    pub limit: Fraction,
}

/// One rule's verdict on one instance, with what an alert would show. Text is made only when an alert needs it.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The rule.
    pub rule: &'static str,
    /// Which of several.
    pub instance: String,
    /// What it says.
    pub verdict: Verdict,
    /// Its figures, when there are any.
    pub measure: Option<Measure>,
    /// Where its limit comes from.
    pub source: &'static str,
    /// The blocks it reads.
    pub reads: &'static [BlockKind],
    /// True: about a plan, not about now.
    pub forecast: bool,
    /// The strike it belongs to.
    pub strike: Option<StrikeId>,
    /// What an alert is about beyond its figures.
    pub about: About,
    /// One line for a person.
    pub words: fn(&View<'_>, &Ruling) -> String,
}

/// What some rulings are about besides figures.
#[derive(Clone, Debug, Default)]
pub enum About {
    /// Nothing more.
    #[default]
    Figures,
    /// A red flag.
    RedFlag(RedFlagType, crate::domain::Time),
    /// A block whose figure jumped.
    Jump(BlockKind, u32, u32),
    /// A line for a person and the subjects that it is about, where no ward's view makes it.
    Said {
        /// One line for a person.
        message: String,
        /// At most 200 of the wards or cover groups concerned.
        subjects: Vec<SubjectName>,
        /// How many are concerned.
        count: usize,
    },
}

impl Ruling {
    /// A ruling on what is no ward: its line for a person comes with it.
    pub fn said(rule: &'static str, reads: &'static [BlockKind], message: String) -> Self {
        let about = About::Said { message, subjects: Vec::new(), count: 0 };
        Self { about, ..Self::new(rule, reads, |_, _| String::new()) }
    }
    /// A ruling without figures.
    pub fn new(rule: &'static str, reads: &'static [BlockKind], words: fn(&View<'_>, &Self) -> String) -> Self {
        Self {
            rule,
            instance: String::new(),
            verdict: Verdict::Clear,
            measure: None,
            source: "",
            reads,
            forecast: false,
            strike: None,
            about: About::Figures,
            words,
        }
    }
    /// With this line for a person.
    pub fn with_message(self, message: String) -> Self {
        let (subjects, count) = match self.about {
            About::Said { subjects, count, .. } => (subjects, count),
            _ => (Vec::new(), 0),
        };
        Self { about: About::Said { message, subjects, count }, ..self }
    }
    /// About these subjects, at most 200 of them named.
    pub fn concerning(self, subjects: Vec<SubjectName>) -> Self {
        let count = subjects.len();
        let subjects = subjects.into_iter().take(MOST_NAMED).collect();
        let message = match self.about {
            About::Said { message, .. } => message,
            _ => String::new(),
        };
        Self { about: About::Said { message, subjects, count }, ..self }
    }
    /// With this verdict.
    pub fn says(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }
    /// With these figures, from this source.
    pub fn measuring(self, measured: Fraction, limit: Fraction, source: &'static str) -> Self {
        Self { measure: Some(Measure { measured, limit }), source, ..self }
    }
    /// Having read these blocks too.
    pub fn reading(self, reads: &'static [BlockKind]) -> Self {
        Self { reads, ..self }
    }
    /// Whether it is a breach: words differ when the figures are good again.
    pub fn breaches(&self) -> bool {
        matches!(self.verdict, Verdict::Breach(_))
    }
    /// Not evaluable, for this reason.
    pub fn unknown(self, why: Why) -> Self {
        self.says(Verdict::NotEvaluable(why))
    }
}

/// A fraction in units.
pub fn fraction(numerator: impl Into<i64>, denominator: impl Into<i64>, unit: &'static str) -> Fraction {
    Fraction { numerator: numerator.into(), denominator: denominator.into(), unit: unit.into() }
}

/// A block in words.
pub fn block_words(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Patients => "patients",
        BlockKind::LevelsOfCare => "levels of care",
        BlockKind::Nursing => "nursing",
        BlockKind::NursingHours => "nursing hours",
        BlockKind::MedicalCover => "medical cover",
        BlockKind::ProfessionalJudgement => "professional judgement",
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverReported(kind) => write!(f, "{} never reported", block_words(*kind)),
            Self::Overdue(kind) => write!(f, "{} overdue", block_words(*kind)),
            Self::Absent(field) => write!(f, "{field} not reported"),
            Self::NothingRequired => f.write_str("no time is required"),
            Self::CoverUnknown => f.write_str("its cover group's figures are missing or overdue"),
            Self::TiersAbsent => f.write_str("doctors of a tier with a minimum not reported"),
        }
    }
}
