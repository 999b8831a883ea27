//! GetStrikeCover: every cover group in scope, shift by shift, from one view of the store.

use std::collections::{BTreeSet, HashMap};

use crate::access::Caller;
use crate::domain::{
    Alert, GroupFacts, OrganisationCode, Period, Rulebook, Strike, SubjectName, SubjectState, Time, Window,
};
use crate::grpc::guard::bound;
use crate::grpc::keyed::Page;
use crate::grpc::status::Problem;
use crate::grpc::strikes::{Striking, strike_named};
use crate::rules::{CoverBasis, CoverRow, TierRow, TierStanding, strike_cover};
use crate::wire::{self, derogation_to, pb, tier_to, timestamp_to};

/// Most forecasts named in a row; the count says how many there are.
const MOST_FORECASTS: usize = 200;

/// What is asked for, and of whom.
struct Asked<'a> {
    book: &'a Rulebook,
    strike: &'a Strike,
    windows: Vec<&'a Window>,
    organisations: BTreeSet<OrganisationCode>,
    basis: CoverBasis,
    now: Time,
}

/// A forecast about a ward's nursing.
struct Forecast {
    alert: Alert,
    period: Period,
}

/// A row with what else is said of its group.
struct Row<'a> {
    cover: CoverRow,
    facts: &'a GroupFacts,
    forecasts: Vec<&'a Forecast>,
}

impl Striking {
    /// A page of a strike's cover.
    pub(super) async fn cover(
        &self,
        request: pb::GetStrikeCoverRequest,
        caller: &Caller,
    ) -> Result<pb::GetStrikeCoverResponse, Problem> {
        let pb::GetStrikeCoverRequest { name, basis, organisations, window_ids, page_size, page_token } = request;
        let scope = format!("{name}|{basis}|{}|{window_ids:?}", organisations.join(","));
        let page = Page::open("GetStrikeCover", scope, page_size, &page_token, self.store.as_ref()).await?;
        let book = self.current().await?;
        let strike = strike_named(&book, &name, caller)?;
        if !strike.staff_group.is_doctors() {
            return Err(Problem::field("name", format!("{name} calls out nurses: a cover return is of doctors")));
        }
        let asked = Asked {
            book: &book,
            strike: &strike,
            windows: windows(&strike, &window_ids)?,
            organisations: employers(&book, &strike, &organisations, caller)?,
            basis: basis_of(basis)?,
            now: self.clock.now(),
        };
        let states = self.states(&asked).await?;
        let forecasts = forecasts(&asked, &states);
        let rows = asked.rows(&states, &forecasts);
        let counts = Some(counts(&rows, &asked));
        let after = page.after.as_deref().unwrap_or_default();
        let shown: Vec<&Row<'_>> =
            rows.iter().filter(|r| key(&r.cover).as_str() > after).take(page.limit() as usize).collect();
        let next_page_token = page.next(shown.len(), shown.last().map(|r| key(&r.cover)));
        Ok(pb::GetStrikeCoverResponse {
            basis: pb_basis(asked.basis).into(),
            as_of_time: Some(timestamp_to(asked.now)),
            counts,
            rows: shown.into_iter().map(|r| r.message(&strike)).collect(),
            next_page_token,
            cursor: page.cursor,
        })
    }

    /// The groups and wards of the employers asked for, as the store has them in one view.
    async fn states(&self, asked: &Asked<'_>) -> Result<HashMap<SubjectName, SubjectState>, Problem> {
        let number = |code| asked.book.organisations.get(code).map(|(n, _)| *n);
        let numbers: Vec<i64> = asked.organisations.iter().filter_map(number).collect();
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let (_, rows) = self.store.survey(&numbers).await?;
        let read = |row: crate::store::SubjectRow| {
            let state = wire::state_from(&row.hot, &row.cold, &row.summary);
            state.map(|state| (row.name, state)).map_err(|e| Problem::Internal(e.to_string()))
        };
        rows.into_iter().map(read).collect()
    }
}

impl<'a> Asked<'a> {
    fn rows(&self, states: &HashMap<SubjectName, SubjectState>, forecasts: &'a [Forecast]) -> Vec<Row<'a>> {
        let nothing = SubjectState::default();
        let mut rows: Vec<Row<'a>> = Vec::new();
        for (group, facts) in self.groups() {
            let state = states.get(group).unwrap_or(&nothing);
            let of_wards: Vec<&Forecast> = of_wards(forecasts, facts);
            for cover in strike_cover(self.strike, &self.windows, (group, facts, state), self.basis, self.now) {
                let touches = |f: &&Forecast| f.period.start < cover.end && cover.start < f.period.end;
                let forecasts = of_wards.iter().copied().filter(touches).collect();
                rows.push(Row { cover, facts, forecasts });
            }
        }
        rows.sort_by_cached_key(|r| key(&r.cover));
        rows
    }

    fn groups(&self) -> impl Iterator<Item = (&'a SubjectName, &'a GroupFacts)> {
        let wanted = |(_, facts): &(&SubjectName, &GroupFacts)| {
            facts.in_force && self.organisations.contains(&facts.group.organisation)
        };
        self.book.groups.iter().filter(wanted)
    }
}

fn of_wards<'a>(forecasts: &'a [Forecast], facts: &GroupFacts) -> Vec<&'a Forecast> {
    forecasts.iter().filter(|f| facts.wards.binary_search(&f.alert.subject).is_ok()).collect()
}

/// Sorts rows, and goes on after one of them: window, start, group, plan.
fn key(row: &CoverRow) -> String {
    let micros = |t: Time| t.as_micros().cast_unsigned();
    let period = row.from.as_ref().and_then(|f| f.period);
    let (from, to) = period.map_or((0, 0), |p| (micros(p.start), micros(p.end)));
    let (start, end) = (micros(row.start), micros(row.end));
    format!("{:05}|{start:020}|{}|{end:020}|{from:020}|{to:020}", row.window, row.group)
}

fn basis_of(basis: i32) -> Result<CoverBasis, Problem> {
    match pb::CoverBasis::try_from(basis) {
        Ok(pb::CoverBasis::Unspecified | pb::CoverBasis::Plan) => Ok(CoverBasis::Plan),
        Ok(pb::CoverBasis::Actual) => Ok(CoverBasis::Actual),
        Err(_) => Err(Problem::field("basis", "is neither PLAN nor ACTUAL")),
    }
}

const fn pb_basis(basis: CoverBasis) -> pb::CoverBasis {
    match basis {
        CoverBasis::Plan => pb::CoverBasis::Plan,
        CoverBasis::Actual => pb::CoverBasis::Actual,
    }
}

/// The windows asked for: each must be one of the strike's; all that take place when none is named.
fn windows<'a>(strike: &'a Strike, ids: &[i32]) -> Result<Vec<&'a Window>, Problem> {
    let named = |id: &i32| strike.windows.iter().find(|w| i64::from(w.id) == i64::from(*id));
    let wrong = ids.iter().enumerate().filter(|(_, id)| named(id).is_none());
    let wrong: Vec<_> =
        wrong.map(|(n, id)| (format!("window_ids[{n}]"), format!("the strike has no window {id}"))).collect();
    if !wrong.is_empty() {
        return Err(Problem::BadRequest(wrong));
    }
    let wanted = |w: &&Window| ids.is_empty() || ids.iter().any(|id| i64::from(*id) == i64::from(w.id));
    Ok(strike.planned().filter(wanted).collect())
}

/// The employers asked for: each must be in scope; all in scope when none is named.
fn employers(
    book: &Rulebook,
    strike: &Strike,
    names: &[String],
    caller: &Caller,
) -> Result<BTreeSet<OrganisationCode>, Problem> {
    if names.is_empty() {
        let all =
            book.organisations.values().map(|(_, o)| o).filter(|o| caller.sees(&o.code) && strike.scope.covers(o));
        return Ok(all.map(|o| o.code.clone()).collect());
    }
    let (mut found, mut wrong) = (BTreeSet::new(), Vec::new());
    for (n, name) in names.iter().enumerate() {
        let mut say = |what: String| wrong.push((format!("organisations[{n}]"), what));
        let Ok(SubjectName::Organisation(code)) = name.parse() else {
            say(format!("'{name}' is not organisations/{{ods}}"));
            continue;
        };
        bound(caller, &code, "GetStrikeCover")?;
        match book.organisations.get(&code) {
            None => say(format!("{name} is not registered")),
            Some((_, o)) if !strike.scope.covers(o) => say(format!("{name} is not in the scope of the strike")),
            Some(_) => {
                found.insert(code);
            }
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(Problem::BadRequest(wrong)) }
}

/// The open forecasts about wards.
fn forecasts(asked: &Asked<'_>, states: &HashMap<SubjectName, SubjectState>) -> Vec<Forecast> {
    let wards = states.iter().filter(|(name, _)| asked.book.ward(name).is_some());
    let alerts = wards.flat_map(|(_, state)| state.episodes.iter().map(|e| &e.alert));
    let open = alerts.filter(|a| a.forecast && a.is_open());
    let mut found: Vec<Forecast> = open
        .filter_map(|alert| Some(Forecast { period: alert.instance.parse().ok()?, alert: alert.clone() }))
        .collect();
    found.sort_by(|a, b| (a.period, &a.alert.subject, &a.alert.rule).cmp(&(b.period, &b.alert.subject, &b.alert.rule)));
    found
}

fn counts(rows: &[Row<'_>], asked: &Asked<'_>) -> pb::StrikeCoverCounts {
    let gaps = |r: &&Row<'_>| r.cover.tiers.iter().any(|t| matches!(t.standing, TierStanding::Gap(_)));
    let unknown = |r: &&Row<'_>| r.cover.tiers.iter().any(|t| t.standing == TierStanding::NotReported);
    let gap_count = rows.iter().filter(gaps).count();
    let not_reported = rows.iter().filter(|r| !gaps(r) && unknown(r)).count();
    let missing =
        rows.iter().flat_map(|r| &r.cover.tiers).filter_map(|t| gap_of(t.standing)).fold(0, u32::saturating_add);
    let touched: BTreeSet<_> = rows.iter().flat_map(|r| &r.forecasts).map(|f| f.alert.id).collect();
    pb::StrikeCoverCounts {
        row_count: count(rows.len()),
        cover_group_count: count(asked.groups().count()),
        gap_count: count(gap_count),
        not_reported_count: count(not_reported),
        covered_count: count(rows.len() - gap_count - not_reported),
        missing_doctors: int(missing),
        forecast_count: count(touched.len()),
    }
}

const fn gap_of(standing: TierStanding) -> Option<u32> {
    match standing {
        TierStanding::Gap(gap) => Some(gap),
        TierStanding::Covered => Some(0),
        TierStanding::NotReported | TierStanding::NoMinimum => None,
    }
}

impl Row<'_> {
    fn message(&self, strike: &Strike) -> pb::StrikeCover {
        let Self { cover, facts, forecasts } = self;
        let from = cover.from.as_ref();
        let period = from.and_then(|f| f.period);
        let freshness = if cover.stale { pb::Freshness::Stale } else { pb::Freshness::Fresh };
        pb::StrikeCover {
            window_id: int(cover.window),
            shift: pb::ShiftName::from(cover.shift).into(),
            start_time: Some(timestamp_to(cover.start)),
            end_time: Some(timestamp_to(cover.end)),
            cover_group: cover.group.to_string(),
            display_name: facts.group.display_name.clone(),
            site: facts.group.site.as_ref().map(ToString::to_string).unwrap_or_default(),
            tiers: cover.tiers.iter().map(tier).collect(),
            source: from.map(|f| f.source.to_string()).unwrap_or_default(),
            observed_time: from.map(|f| timestamp_to(f.observed)),
            report_id: from.map(|f| f.report.to_string()).unwrap_or_default(),
            plan_start_time: period.map(|p| timestamp_to(p.start)),
            plan_end_time: period.map(|p| timestamp_to(p.end)),
            freshness: freshness.into(),
            derogations: strike.derogations.iter().filter(|d| d.group == cover.group).map(derogation_to).collect(),
            forecasts: forecasts.iter().take(MOST_FORECASTS).map(|f| f.message()).collect(),
            forecast_count: count(forecasts.len()),
        }
    }
}

impl Forecast {
    fn message(&self) -> pb::WardForecast {
        pb::WardForecast {
            ward: self.alert.subject.to_string(),
            rule: self.alert.rule.to_string(),
            severity: pb::Severity::from(self.alert.severity).into(),
            alert: self.alert.id.to_string(),
            start_time: Some(timestamp_to(self.period.start)),
            end_time: Some(timestamp_to(self.period.end)),
        }
    }
}

fn tier(row: &TierRow) -> pb::TierCover {
    let TierRow { tier, standing, minimum, doctors, acting_down, on_call, granted, expected } = *row;
    let state = match standing {
        TierStanding::Covered => pb::TierState::Covered,
        TierStanding::Gap(_) => pb::TierState::Gap,
        TierStanding::NotReported => pb::TierState::NotReported,
        TierStanding::NoMinimum => pb::TierState::NoMinimum,
    };
    pb::TierCover {
        tier: tier_to(tier),
        state: state.into(),
        minimum: minimum.map(int),
        doctors: doctors.map(int),
        acting_down: acting_down.map(int),
        on_call: on_call.map(int),
        gap: gap_of(standing).map(int),
        granted: granted.map(int),
        expected: expected.map(int),
    }
}

fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
