//! Rulings into episodes and events: raising, changing, clearing, reopening, ending (domain.md section 5).

use crate::domain::{
    Alert, AlertEvent, AlertId, AlertState, BlockKind, CallOffReason, Cause, Condition, Context, Episode, EventType,
    Period, Policy, Resolution, Severity, SiteCode, Span, SubjectName, Time, Window,
};
use crate::rules::catalogue::{
    CAPACITY, CORRIDOR, DOUBLE_GAP, IMPLAUSIBLE, JUDGEMENT, MAX_ALLOCATION, NOT_REPORTED, OVERDUE, PLAN_MISSING,
    SILENT, SKILL_MIX, of_strike,
};
use crate::rules::inputs::Inputs;
use crate::rules::showing::{asks_nothing, staff};
use crate::rules::verdict::{Ruling, Verdict};
use crate::rules::view::View;

/// Resolutions that a change of a strike brings about.
const CALLED_OFF: [Resolution; 4] =
    [Resolution::Suspended, Resolution::Withdrawn, Resolution::Settled, Resolution::CourtOrder];
/// The longest that struck shifts may outlast their window.
const TAIL: Span = Span::hours(24);

/// What a judgement is made of, beside its rulings.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// The ward's blocks, where the subject is a ward.
    pub view: Option<View<'a>>,
    /// The blocks of a ward or a cover group; an organisation has none.
    pub inputs: Option<&'a dyn Inputs>,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Strikes that concern the subject.
    pub context: &'a Context,
    /// The subject.
    pub subject: &'a SubjectName,
    /// Its site.
    pub site: Option<&'a SiteCode>,
    /// Its organisation's region.
    pub region: Option<&'a SiteCode>,
    /// Of a cover group: the wards it covers.
    pub wards: &'a [SubjectName],
    /// What caused it.
    pub cause: Cause,
    /// True: under another version of the policy than last time.
    pub policy_changed: bool,
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

impl Turned {
    /// With what another turn of the same judgement did.
    pub fn add(&mut self, other: Self) {
        self.events.extend(other.events);
        self.changed |= other.changed;
    }
}

impl Turn<'_> {
    /// Applies rulings to episodes; forgets those that ended too long ago to reopen.
    pub fn run(&self, episodes: &mut Vec<Episode>, rulings: &[Ruling]) -> Turned {
        let mut turned = Turned::default();
        for ruling in rulings {
            self.apply(episodes, ruling, &mut turned);
        }
        let before = episodes.len();
        episodes.retain(|e| e.alert.resolved.is_none_or(|at| self.now - at < self.policy.reopen_within));
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

    pub(super) fn by_report(&self) -> bool {
        matches!(self.cause, Cause::Report(_))
    }

    fn may_reopen(&self, episode: &Episode) -> bool {
        episode.alert.resolved.is_some_and(|at| self.now - at < self.policy.reopen_within)
    }

    fn not_breaching(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        match &ruling.verdict {
            Verdict::Ended(Resolution::WindowEnded) => self.resolve(episode, self.why_over(&episode.alert), turned),
            Verdict::Ended(resolution) => self.resolve(episode, *resolution, turned),
            Verdict::Disabled(_) | Verdict::SwitchedOff => self.resolve(episode, self.by_context(), turned),
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
        let moved = self.policy_changed && episode.alert.limit != ruling.measure.as_ref().map(|m| m.limit.clone());
        let quiet = kind == EventType::Updated && !fell_back && !moved;
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
        self.now - episode.last_event >= self.policy.update_every
    }

    /// An input is missing or overdue: the alert stays as it is, and what began to clear must begin anew.
    fn unknown(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        turned.changed |= episode.good_since.take().is_some();
        if self.freshness_differs(episode, ruling) && self.may_update(episode) {
            let before = (episode.alert.severity, episode.alert.state);
            episode.alert.inputs = self.inputs.map(|i| i.inputs(ruling.reads)).unwrap_or_default();
            turned.events.push(self.event(episode, EventType::Updated, Some(before)));
        }
    }

    /// Good figures: the end is held until they have stayed good for the clearing time.
    fn clear(&self, episode: &mut Episode, ruling: &Ruling, turned: &mut Turned) {
        // That figures came ends a silence, whatever they say.
        let figures = ruling.rule != OVERDUE;
        let doubted = figures && self.inputs.is_some_and(|i| i.doubted(ruling.reads));
        let breaching = episode.alert.condition == Condition::Breaching;
        // What clears already was bad by figures that still stand: only the clock ends that.
        let corrected = breaching && figures && ruling.reads.iter().any(|kind| self.corrected.contains(kind));
        // Time alone makes no ward's breach good: the register must have changed. What a strike asks changes with time.
        let by_time = ruling.rule == SILENT || of_strike(ruling.rule);
        let context = !self.by_report() && breaching && !by_time;
        let at_once = match (corrected, context) {
            (true, _) => Some(Resolution::Corrected),
            (false, true) => Some(self.by_context()),
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
        if self.now >= since + self.policy.clear_after && !doubted {
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
        let Some(inputs) = self.inputs.filter(|_| !ruling.reads.is_empty()) else { return self.now };
        if ruling.rule == OVERDUE {
            let heard = ruling.reads.iter().filter_map(|k| inputs.blocks().current(*k)).map(|(_, _, heard)| heard);
            return heard.max().unwrap_or(self.now);
        }
        // Of the doctors a ward knows only that their cover changed, which is now.
        if ruling.rule == DOUBLE_GAP && !self.by_report() {
            return self.now;
        }
        inputs.newest(ruling.reads)
    }

    /// How the run of good figures will end the alert: by what changed since its last event.
    fn ending(&self, alert: &Alert, ruling: &Ruling) -> Resolution {
        match ruling.rule {
            OVERDUE | SILENT => Resolution::ReportingResumed,
            NOT_REPORTED | PLAN_MISSING => Resolution::ReturnReceived,
            rule if of_strike(rule) => Resolution::StaffingImproved,
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

    pub(super) fn resolve(&self, episode: &mut Episode, resolution: Resolution, turned: &mut Turned) {
        let before = (episode.alert.severity, episode.alert.state);
        episode.good_since = None;
        episode.ending = None;
        episode.critical_since = None;
        episode.alert.policy_version = self.policy.version.clone().into();
        episode.alert.state = AlertState::Resolved;
        episode.alert.resolved = Some(self.now);
        episode.alert.resolution = Some(resolution);
        turned.events.push(self.event(episode, EventType::Resolved, Some(before)));
    }

    fn reopen(&self, episode: &mut Episode, ruling: &Ruling, severity: Severity, turned: &mut Turned) {
        let before = (episode.alert.severity, episode.alert.state);
        self.show(&mut episode.alert, ruling);
        let alert = &mut episode.alert;
        // An acknowledgement belongs to the episode: it stands until it expires or the alert is more severe.
        alert.acknowledgement.take_if(|ack| ack.expires <= self.now || ack.severity < severity);
        alert.escalation = None;
        alert.state = if alert.acknowledgement.is_some() { AlertState::Acknowledged } else { AlertState::Open };
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
            cover_groups: Vec::new(),
            group_count: 0,
            rule: ruling.rule.into(),
            instance: ruling.instance.clone(),
            severity,
            peak_severity: severity,
            state: AlertState::Open,
            condition: Condition::Breaching,
            forecast: ruling.forecast,
            strike: ruling.strike.clone(),
            acknowledgement: None,
            escalation: None,
            measured: None,
            limit: None,
            message: String::new(),
            limit_source: ruling.source.into(),
            policy_version: self.policy.version.clone().into(),
            inputs: Vec::new(),
            observed: self.now,
            raised: self.now,
            resolved: None,
            resolution: None,
            transitions: 0,
        };
        self.show(&mut alert, ruling);
        let mut episode = Episode { alert, good_since: None, ending: None, last_event: self.now, critical_since: None };
        turned.events.push(self.event(&mut episode, EventType::Raised, None));
        episode
    }

    /// What a change of the context ends an alert with.
    fn by_context(&self) -> Resolution {
        match self.cause {
            Cause::Policy => Resolution::PolicyChanged,
            Cause::Report(_) | Cause::Timer | Cause::Responder(_) if self.policy_changed => Resolution::PolicyChanged,
            _ => Resolution::RegisterChanged,
        }
    }

    /// Why no strike asks anything any more: its window ended, or it was called off for a reason.
    fn why_over(&self, alert: &Alert) -> Resolution {
        let strike = self.context.strikes.iter().find(|s| Some(&s.id) == alert.strike.as_ref());
        let about = |w: &&Window| match alert.instance.parse::<Period>() {
            Ok(period) => w.start < period.end && period.start < w.end,
            Err(_) if alert.forecast => self.now < w.end,
            Err(_) => w.start <= self.now && self.now < w.end + TAIL,
        };
        let called_off =
            strike.and_then(|s| s.windows.iter().filter(|w| w.called_off.is_some()).rfind(about)?.called_off);
        let changed = strike.and_then(|s| s.changed_by).filter(|_| matches!(self.cause, Cause::Strike));
        let usual = if alert.rule == PLAN_MISSING { Resolution::Expired } else { Resolution::WindowEnded };
        called_off.or(changed).map_or(usual, reason)
    }

    pub(super) fn event(
        &self,
        episode: &mut Episode,
        kind: EventType,
        before: Option<(Severity, AlertState)>,
    ) -> AlertEvent {
        episode.alert.transitions += 1;
        episode.last_event = self.now;
        let cause = match (&self.cause, episode.alert.resolution) {
            (Cause::Timer, Some(Resolution::RegisterChanged | Resolution::WardClosed)) => Cause::Register,
            (Cause::Timer, Some(resolution)) if CALLED_OFF.contains(&resolution) => Cause::Strike,
            (cause, _) => cause.clone(),
        };
        let (previous_severity, previous_state) = before.unzip();
        AlertEvent { kind, alert: episode.alert.clone(), previous_severity, previous_state, cause }
    }
}

/// How an alert ends when its strike does not go on.
const fn reason(reason: CallOffReason) -> Resolution {
    match reason {
        CallOffReason::Suspended => Resolution::Suspended,
        CallOffReason::Withdrawn => Resolution::Withdrawn,
        CallOffReason::Settled => Resolution::Settled,
        CallOffReason::CourtOrder => Resolution::CourtOrder,
    }
}

/// The instants at which episodes that clear may end.
pub fn clearing_ends(episodes: &[Episode], policy: &Policy) -> impl Iterator<Item = Time> {
    let after = policy.clear_after;
    episodes.iter().filter(|e| e.alert.is_open()).filter_map(|e| e.good_since).map(move |since| since + after)
}
