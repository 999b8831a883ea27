//! Rulings into episodes and events: raising, changing, clearing, reopening, ending (domain.md section 5).

use crate::domain::{
    Alert, AlertEvent, AlertId, AlertInput, AlertState, BlockKind, Cause, Condition, Episode, EventType, Fraction,
    OrganisationCode, Resolution, Severity, SiteCode, SubjectName, Time,
};
use crate::rules::catalogue::{
    BELOW_MINIMUM, CAPACITY, CARE_LEVEL, CLEAR_AFTER, CORRIDOR, HOURS, IMPLAUSIBLE, JUDGEMENT, MAX_ALLOCATION, NONE,
    OVERDUE, POLICY_VERSION, RATIO, REOPEN_WITHIN, SILENT, SKILL_MIX, STAFFING, UPDATE_EVERY,
};
use crate::rules::due::overdue_time;
use crate::rules::verdict::{About, Ruling, Verdict};
use crate::rules::view::View;
use crate::rules::words::{ceil_div, emptied, nearest_tenths};

/// What a judgement is made of, beside its rulings.
pub struct Turn<'a> {
    /// The ward's blocks; of an organisation there are none.
    pub view: Option<View<'a>>,
    /// The subject.
    pub subject: &'a SubjectName,
    /// Its site.
    pub site: Option<&'a SiteCode>,
    /// Its organisation's region.
    pub region: Option<&'a SiteCode>,
    /// What caused it.
    pub cause: Cause,
    /// Blocks that the report corrected.
    pub corrected: &'a [BlockKind],
    /// Now.
    pub now: Time,
}

/// What a turn did to the episodes.
#[derive(Debug, Default)]
pub struct Turned {
    /// Events, in the order of the rulings.
    pub events: Vec<AlertEvent>,
    /// Whether an episode changed in any way.
    pub changed: bool,
}

impl Turn<'_> {
    /// Applies rulings to episodes; forgets those that ended too long ago to reopen.
    pub fn run(&self, episodes: &mut Vec<Episode>, rulings: &[Ruling]) -> Turned {
        let mut turned = Turned::default();
        for ruling in rulings {
            self.apply(episodes, ruling, &mut turned);
        }
        let before = episodes.len();
        episodes.retain(|e| e.alert.resolved.is_none_or(|at| self.now - at < REOPEN_WITHIN));
        turned.changed |= episodes.len() != before || !turned.events.is_empty();
        turned
    }

    fn apply(&self, episodes: &mut Vec<Episode>, ruling: &Ruling, turned: &mut Turned) {
        let same = |e: &&mut Episode| e.alert.rule == ruling.rule && e.alert.instance == ruling.instance;
        let mut of_rule = episodes.iter_mut().filter(same);
        let episode = of_rule.next_back();
        let open = episode.as_ref().is_some_and(|e| e.alert.is_open());
        match (&ruling.verdict, episode) {
            (Verdict::Breach(severity), Some(episode)) if open => self.breach(episode, ruling, *severity, turned),
            (Verdict::Breach(severity), Some(episode)) if self.may_reopen(episode) => {
                self.reopen(episode, ruling, *severity, turned);
            }
            (Verdict::Breach(severity), _) => episodes.push(self.raise(ruling, *severity, turned)),
            (_, Some(episode)) if open => self.not_breaching(episode, ruling, turned),
            _ => {}
        }
    }

    fn by_report(&self) -> bool {
        matches!(self.cause, Cause::Report(_))
    }

    fn may_reopen(&self, episode: &Episode) -> bool {
        episode.alert.resolved.is_some_and(|at| self.now - at < REOPEN_WITHIN)
    }

    fn not_breaching(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        match &ruling.verdict {
            Verdict::Ended(resolution) => self.resolve(episode, *resolution, turned),
            Verdict::Disabled(_) => self.resolve(episode, Resolution::RegisterChanged, turned),
            Verdict::NotEvaluable(_) => self.unknown(episode, ruling, turned),
            Verdict::Clear => self.clear(episode, ruling, turned),
            Verdict::Breach(_) => {}
        }
    }

    /// Still breaching, or again.
    fn breach(&self, episode: &mut Episode, ruling: &Ruling, severity: Severity, turned: &mut Turned) {
        let fell_back = episode.alert.condition == Condition::Clearing;
        turned.changed |= episode.good_since.take().is_some();
        episode.ending = None;
        let kind = if severity == episode.alert.severity { EventType::Updated } else { EventType::SeverityChanged };
        let quiet = kind == EventType::Updated && !fell_back;
        if quiet && !(self.shown_differs(episode, ruling) && self.may_update(episode)) {
            return;
        }
        let before = (episode.alert.severity, episode.alert.state);
        self.show(&mut episode.alert, ruling);
        episode.alert.condition = Condition::Breaching;
        episode.alert.severity = severity;
        episode.alert.peak_severity = episode.alert.peak_severity.max(severity);
        turned.events.push(self.event(episode, kind, Some(before)));
    }

    fn may_update(&self, episode: &Episode) -> bool {
        self.now - episode.last_event >= UPDATE_EVERY
    }

    /// An input is missing or overdue: the alert stays as it is, and what began to clear must begin anew.
    fn unknown(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        turned.changed |= episode.good_since.take().is_some();
        if self.freshness_differs(episode, ruling) && self.may_update(episode) {
            let before = (episode.alert.severity, episode.alert.state);
            episode.alert.inputs = self.view.map(|v| v.inputs(ruling.reads)).unwrap_or_default();
            turned.events.push(self.event(episode, EventType::Updated, Some(before)));
        }
    }

    /// Good figures: the end is held until they have stayed good for the clearing time.
    fn clear(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        // That figures came ends a silence, whatever they say.
        let figures = ruling.rule != OVERDUE;
        let doubted = figures && self.view.is_some_and(|v| v.doubted(ruling.reads));
        let breaching = episode.alert.condition == Condition::Breaching;
        // What clears already was bad by figures that still stand: only the clock ends that.
        let corrected = breaching && figures && ruling.reads.iter().any(|kind| self.corrected.contains(kind));
        // Time alone makes no ward's breach good: the register must have changed.
        let register = !self.by_report() && breaching && ruling.rule != SILENT;
        let at_once = match (corrected, register) {
            (true, _) => Some(Resolution::Corrected),
            (false, true) => Some(Resolution::RegisterChanged),
            (false, false) => None,
        };
        if let Some(resolution) = at_once.filter(|_| !doubted) {
            self.show(&mut episode.alert, ruling);
            return self.resolve(episode, resolution, turned);
        }
        let began = episode.good_since.is_none();
        let since = *episode.good_since.get_or_insert_with(|| self.good_at(ruling));
        let ending = *episode.ending.get_or_insert_with(|| self.ending(&episode.alert, ruling));
        turned.changed |= began;
        if self.now >= since + CLEAR_AFTER && !doubted {
            self.show(&mut episode.alert, ruling);
            return self.resolve(episode, ending, turned);
        }
        if breaching {
            let before = (episode.alert.severity, episode.alert.state);
            self.show(&mut episode.alert, ruling);
            episode.alert.condition = Condition::Clearing;
            turned.events.push(self.event(episode, EventType::Updated, Some(before)));
        }
    }

    /// When the good observation was made. Of silence it is when something was heard.
    fn good_at(&self, ruling: &Ruling) -> Time {
        let Some(view) = self.view.filter(|_| !ruling.reads.is_empty()) else { return self.now };
        if ruling.rule == OVERDUE {
            let heard = ruling.reads.iter().filter_map(|k| view.state.current(*k)).map(|(_, _, heard)| heard);
            return heard.max().unwrap_or(self.now);
        }
        view.newest(ruling.reads)
    }

    /// How the run of good figures will end the alert: by what changed since its last event.
    fn ending(&self, alert: &Alert, ruling: &Ruling) -> Resolution {
        match ruling.rule {
            OVERDUE | SILENT => Resolution::ReportingResumed,
            IMPLAUSIBLE => Resolution::FiguresAgreed,
            JUDGEMENT => Resolution::StaffingImproved,
            CAPACITY | CORRIDOR => Resolution::DemandFell,
            _ if self.view.is_some_and(|v| asks_nothing(&v, ruling)) => Resolution::DemandFell,
            // Shared out otherwise, among staff of other kinds.
            MAX_ALLOCATION | SKILL_MIX => Resolution::StaffingImproved,
            _ => {
                let before = alert.measured.as_ref().map(|m| staff(ruling.rule, m));
                let after = ruling.measure.as_ref().map(|m| staff(ruling.rule, &m.measured));
                if after > before { Resolution::StaffingImproved } else { Resolution::DemandFell }
            }
        }
    }

    fn resolve(&self, episode: &mut Episode, resolution: Resolution, turned: &mut Turned) {
        let before = (episode.alert.severity, episode.alert.state);
        episode.good_since = None;
        episode.ending = None;
        episode.alert.state = AlertState::Resolved;
        episode.alert.resolved = Some(self.now);
        episode.alert.resolution = Some(resolution);
        turned.events.push(self.event(episode, EventType::Resolved, Some(before)));
    }

    fn reopen(&self, episode: &mut Episode, ruling: &Ruling, severity: Severity, turned: &mut Turned) {
        let before = (episode.alert.severity, episode.alert.state);
        self.show(&mut episode.alert, ruling);
        let alert = &mut episode.alert;
        alert.state = AlertState::Open;
        alert.condition = Condition::Breaching;
        alert.severity = severity;
        alert.peak_severity = alert.peak_severity.max(severity);
        alert.resolved = None;
        alert.resolution = None;
        turned.events.push(self.event(episode, EventType::Reopened, Some(before)));
    }

    fn raise(&self, ruling: &Ruling, severity: Severity, turned: &mut Turned) -> Episode {
        let mut alert = Alert {
            id: AlertId::of(self.subject, ruling.rule, &ruling.instance, self.now),
            subject: self.subject.clone(),
            site: self.site.cloned(),
            region: self.region.cloned(),
            wards: Vec::new(),
            ward_count: 0,
            rule: ruling.rule.into(),
            instance: ruling.instance.clone(),
            severity,
            peak_severity: severity,
            state: AlertState::Open,
            condition: Condition::Breaching,
            measured: None,
            limit: None,
            message: String::new(),
            limit_source: ruling.source.into(),
            policy_version: POLICY_VERSION.into(),
            inputs: Vec::new(),
            observed: self.now,
            raised: self.now,
            resolved: None,
            resolution: None,
            transitions: 0,
        };
        self.show(&mut alert, ruling);
        let mut episode = Episode { alert, good_since: None, ending: None, last_event: self.now };
        turned.events.push(self.event(&mut episode, EventType::Raised, None));
        episode
    }

    /// Puts the ruling's figures into the alert.
    fn show(&self, alert: &mut Alert, ruling: &Ruling) {
        alert.measured = ruling.measure.as_ref().map(|m| m.measured.clone());
        alert.limit = ruling.measure.as_ref().map(|m| m.limit.clone());
        alert.limit_source = ruling.source.into();
        alert.policy_version = POLICY_VERSION.into();
        alert.observed = self.now;
        if let Some(view) = &self.view {
            alert.message = if asks_nothing(view, ruling) { emptied(view) } else { (ruling.words)(view, ruling) };
            alert.inputs = view.inputs(ruling.reads);
            alert.observed = view.newest(ruling.reads);
        }
        if ruling.rule == SILENT {
            alert.message = format!("Source {}: figures are received again.", ruling.instance);
        }
        if let About::Silent { wards, silent, message } = &ruling.about {
            alert.message.clone_from(message);
            alert.wards.clone_from(wards);
            alert.ward_count = u32::try_from(*silent).unwrap_or(u32::MAX);
        }
        if let About::RedFlag(_, noticed) = ruling.about {
            alert.observed = noticed;
        }
    }

    fn event(&self, episode: &mut Episode, kind: EventType, before: Option<(Severity, AlertState)>) -> AlertEvent {
        episode.alert.transitions += 1;
        episode.last_event = self.now;
        let cause = match (&self.cause, episode.alert.resolution) {
            (Cause::Timer, Some(Resolution::RegisterChanged | Resolution::WardClosed)) => Cause::Register,
            (cause, _) => cause.clone(),
        };
        let (previous_severity, previous_state) = before.unzip();
        AlertEvent { kind, alert: episode.alert.clone(), previous_severity, previous_state, cause }
    }

    fn shown_differs(&self, episode: &Episode, ruling: &Ruling) -> bool {
        let alert = &episode.alert;
        let figures = ruling.measure.as_ref().map(|m| shown(&m.measured, &m.limit));
        let before = alert.measured.as_ref().zip(alert.limit.as_ref()).map(|(m, l)| shown(m, l));
        // Of new figures that were held back the clock says nothing: it shows only what the register changed.
        let held_back =
            !self.by_report() && self.view.is_some_and(|v| alert.inputs.iter().any(|input| !is_current(&v, input)));
        (figures != before && !held_back) || self.freshness_differs(episode, ruling)
    }

    fn freshness_differs(&self, episode: &Episode, ruling: &Ruling) -> bool {
        let Some(view) = &self.view else { return false };
        let read = episode.alert.inputs.iter().filter(|input| ruling.reads.contains(&input.block));
        let mut differs = read.filter(|input| input.freshness != view.freshness(input.block));
        differs.any(|input| self.by_report() || self.shown_by_time(view, episode, input))
    }

    /// Whether time alone shows that a figure fell overdue: when it does, but not later if that was held back within a
    /// minute of another event (contract.md section 1).
    fn shown_by_time(&self, view: &View<'_>, episode: &Episode, input: &AlertInput) -> bool {
        let at = overdue_time(view.facts, input.block, input.observed).filter(|at| *at <= self.now);
        is_current(view, input) && at.is_none_or(|at| at - episode.last_event >= UPDATE_EVERY)
    }
}

/// Whether a rule is content because the ward is empty, whatever its figures.
fn asks_nothing(view: &View<'_>, ruling: &Ruling) -> bool {
    !ruling.breaches() && STAFFING.contains(&ruling.rule) && view.is_empty()
}

/// Whether a block that an alert names is the current one still.
fn is_current(view: &View<'_>, input: &AlertInput) -> bool {
    let current = view.state.current(input.block);
    current.is_some_and(|(key, ..)| (key.observed, key.report) == (input.observed, input.report))
}

/// The figures a reader sees: the tenth, the limit in whole nurses, and the whole nurses missing.
fn shown(measured: &Fraction, limit: &Fraction) -> (i64, i64, i64) {
    let missing =
        ceil_div(measured.numerator * limit.denominator, limit.numerator).saturating_sub(measured.denominator);
    let hundredths = (limit.numerator * 100).checked_div(limit.denominator).unwrap_or(0);
    let tenth = nearest_tenths(measured.numerator, measured.denominator, hundredths);
    (tenth, ceil_div(limit.numerator, limit.denominator), missing)
}

/// Nurses or their time in a measure: over the line in a ratio, above it in a count.
fn staff(rule: &str, measured: &Fraction) -> i64 {
    match rule {
        RATIO => measured.denominator,
        NONE | BELOW_MINIMUM | CARE_LEVEL | HOURS => measured.numerator,
        _ => 0,
    }
}

/// The instants at which episodes that clear may end.
pub fn clearing_ends(episodes: &[Episode]) -> impl Iterator<Item = Time> + '_ {
    episodes.iter().filter(|e| e.alert.is_open()).filter_map(|e| e.good_since).map(|since| since + CLEAR_AFTER)
}

/// The region of an organisation in a rulebook.
pub fn region_of<'a>(book: &'a crate::domain::Rulebook, code: &OrganisationCode) -> Option<&'a SiteCode> {
    book.organisations.get(code).and_then(|(_, o)| o.region.as_ref())
}
