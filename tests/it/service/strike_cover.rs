//! The readiness return and derogations, from plans and from figures, on each store.

use tonic::Code;
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{
    self, CoverBasis, DerogationState, Freshness, MedicalGrade, Severity, ShiftName, StaffingReport, TierState,
};
use wardwatch::wire::timestamp_to;

use super::strikes::{april, create};
use crate::support::hospital::{adult, clock, fields, morning, nurses, pass, report, ward};
use crate::support::service::{Place, Service, on_both_stores, within};

const STRIKE: &str = "strikes/bma-2016-04-26";

fn group(code: &str) -> String {
    format!("organisations/RJ1/coverGroups/{code}")
}

fn at(s: &str) -> Time {
    s.parse().unwrap()
}

/// Wards A1 and A2, general medicine over A1 with three doctors in tier 1, surgery over A2 with none; and the strike.
pub async fn hospital(service: &Service) {
    service.register_wards(vec![adult(&ward(1)), adult(&ward(2))]).await;
    let minimum = pb::CoverMinimum { tier: 1, period: 0, doctors: Some(3) };
    let medicine = pb::CoverGroup {
        name: group("GENMED"),
        display_name: "General medicine".into(),
        wards: vec![ward(1)],
        minima: vec![minimum],
        ..Default::default()
    };
    let surgery = pb::CoverGroup { name: group("SURG"), wards: vec![ward(2)], ..Default::default() };
    let request = pb::UpsertCoverGroupsRequest { cover_groups: vec![medicine, surgery], validate_only: false };
    within(service.register().upsert_cover_groups(request)).await.unwrap();
    let effect = create(service, april()).await.effect.unwrap();
    assert_eq!((effect.cover_group_count, effect.cover_groups), (2, vec![group("GENMED"), group("SURG")]));
    assert_eq!(effect.windows[0].shifts[0].cover_group_count, 2);
}

/// Two juniors, and consultants of whom one acts in tier 1.
pub fn doctors(code: &str, observed: Time, consultants: i32) -> StaffingReport {
    let grade = |grade: MedicalGrade, at_work| pb::GradeCover {
        grade: grade.into(),
        at_work: Some(at_work),
        ..Default::default()
    };
    let down = pb::GradeCover { acting_as_tier1: Some(1), ..grade(MedicalGrade::Consultant, consultants) };
    let medical_cover = Some(pb::MedicalCover { grades: vec![grade(MedicalGrade::F1, 1), down] });
    StaffingReport { cover_group: group(code), medical_cover, ..report("", observed, "ROTA") }
}

pub fn planned(report: StaffingReport, start: &str, end: &str) -> StaffingReport {
    let time = |t| Some(timestamp_to(at(t)));
    let plan_period = Some(pb::PlanPeriod { start_time: time(start), end_time: time(end), withdrawn: false });
    StaffingReport { plan_period, ..report }
}

async fn cover(service: &Service, request: pb::GetStrikeCoverRequest) -> pb::GetStrikeCoverResponse {
    within(service.strikes().get_strike_cover(request)).await.unwrap().into_inner()
}

fn of(basis: CoverBasis) -> pb::GetStrikeCoverRequest {
    pb::GetStrikeCoverRequest { name: STRIKE.into(), basis: basis.into(), ..Default::default() }
}

async fn record(service: &Service, derogation: pb::Derogation) -> Result<pb::Strike, tonic::Status> {
    let request =
        pb::RecordDerogationRequest { name: STRIKE.into(), derogation: Some(derogation), ..Default::default() };
    Ok(within(service.strikes().record_derogation(request)).await?.into_inner().strike.unwrap())
}

fn granted(code: &str) -> pb::Derogation {
    pb::Derogation {
        cover_group: group(code),
        tier: 1,
        number: Some(2),
        state: DerogationState::Granted.into(),
        effective_time: None,
    }
}

/// Code of the group, and how its tier 1 stands.
fn tier_one(answer: &pb::GetStrikeCoverResponse) -> Vec<(&str, TierState)> {
    answer.rows.iter().map(|r| (r.cover_group.rsplit('/').next().unwrap(), r.tiers[0].state())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_day_before_the_plans_say_where_cover_will_lack() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock_on_the_day_before()).await;
        hospital(&service).await;
        let yesterday = morning() - Span::days(1);
        let day = ["2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z"];
        service.submit(vec![planned(doctors("GENMED", yesterday, 2), day[0], day[1])]).await;
        service.submit(vec![planned(nurses(&ward(1), yesterday, 1), day[0], day[1])]).await;
        service.settled().await;
        let plan = cover(&service, pb::GetStrikeCoverRequest { window_ids: vec![1], ..of(CoverBasis::Plan) }).await;
        assert_eq!(tier_one(&plan), [("GENMED", TierState::Gap), ("SURG", TierState::NoMinimum)]);
        let row = &plan.rows[0];
        let tier = row.tiers[0];
        assert_eq!((tier.minimum, tier.doctors, tier.acting_down, tier.gap), (Some(3), Some(2), Some(1), Some(1)));
        assert_eq!(
            (row.shift(), row.source.as_str(), row.display_name.as_str()),
            (ShiftName::Day, "ROTA", "General medicine")
        );
        assert_eq!(row.observed_time, Some(timestamp_to(yesterday)));
        assert_eq!(row.plan_end_time, Some(timestamp_to(at(day[1]))));
        // One nurse at the 20 funded beds of A1 is forecast to be too few.
        let rules: Vec<_> = row.forecasts.iter().map(|f| (f.ward.as_str(), f.rule.as_str(), f.severity())).collect();
        assert!(rules.contains(&(&ward(1), "ratio.over_limit", Severity::Critical)), "{rules:?}");
        let counts = plan.counts.unwrap();
        assert_eq!((counts.row_count, counts.cover_group_count, counts.gap_count), (2, 2, 1));
        assert_eq!((counts.not_reported_count, counts.covered_count, counts.missing_doctors), (1, 0, 1));
        assert_eq!(usize::try_from(counts.forecast_count).unwrap(), rules.len());
        assert_eq!(plan.rows[1].freshness(), Freshness::Stale, "nobody sent a plan for surgery");
        assert_eq!(plan.rows[1].tiers[2].state(), TierState::NotReported, "a senior is asked for in a full withdrawal");
        assert_eq!((plan.rows[1].tiers[2].minimum, plan.rows[1].tiers[2].doctors), (Some(1), None));
        service.stop().await;
    })
    .await;
}

/// A clock a day before [`morning`].
fn clock_on_the_day_before() -> std::sync::Arc<wardwatch::clock::ManualClock> {
    std::sync::Arc::new(wardwatch::clock::ManualClock::new(morning() - Span::days(1) + Span::hours(1)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_day_the_figures_say_where_it_lacks_and_old_ones_are_no_cover() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        hospital(&service).await;
        let before_nine = morning() - Span::minutes(1);
        service.submit(vec![doctors("GENMED", before_nine, 3)]).await;
        let actual = cover(&service, of(CoverBasis::Actual)).await;
        let first: Vec<_> = tier_one(&actual).into_iter().take(2).collect();
        assert_eq!(first, [("GENMED", TierState::Gap), ("SURG", TierState::NoMinimum)]);
        assert_eq!((actual.rows.len(), actual.rows[2].window_id), (4, 2), "tomorrow is another row");
        assert_eq!(tier_one(&actual)[2], ("GENMED", TierState::NotReported));
        assert_eq!(actual.rows[0].plan_start_time, None);
        pass(&clock, 60);
        let later = cover(&service, of(CoverBasis::Actual)).await;
        assert_eq!(
            (later.rows[0].freshness(), later.rows[0].tiers[0].state()),
            (Freshness::Stale, TierState::NotReported)
        );
        assert_eq!(later.rows[0].tiers[0].doctors, Some(2), "09:00 is past by an hour, and nothing new came");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_union_grants_is_recorded_and_expected() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        hospital(&service).await;
        let requested = pb::Derogation { state: DerogationState::Requested.into(), ..granted("GENMED") };
        assert_eq!(record(&service, requested.clone()).await.unwrap().version, 2);
        let strike = record(&service, granted("GENMED")).await.unwrap();
        assert_eq!((strike.version, strike.derogations.len()), (3, 1), "the same time: the request became a grant");
        let now = Some(timestamp_to(morning()));
        let same = pb::Derogation { effective_time: now, ..granted("GENMED") };
        assert_eq!(record(&service, same).await.unwrap(), strike, "recorded again it is the same");
        let tier = cover(&service, of(CoverBasis::Plan)).await.rows[0].tiers[0];
        assert_eq!((tier.granted, tier.expected), (None, None), "the shift began an hour before it holds");
        let tier = cover(&service, of(CoverBasis::Plan)).await.rows[2].tiers[0];
        assert_eq!((tier.granted, tier.expected, tier.minimum), (Some(2), Some(2), Some(3)), "no minimum is lowered");
        let unknown = record(&service, granted("GENMAD")).await.unwrap_err();
        let text = "derogation.cover_group: 'organisations/RJ1/coverGroups/GENMAD' is not registered \
                    (nearest: organisations/RJ1/coverGroups/GENMED)";
        assert_eq!((unknown.code(), unknown.message()), (Code::InvalidArgument, text));
        let wrong = record(&service, pb::Derogation { tier: 4, number: None, ..granted("GENMED") }).await.unwrap_err();
        assert_eq!(fields(&wrong), ["derogation.tier", "derogation.number"]);
        let request = pb::RecordDerogationRequest {
            name: STRIKE.into(),
            derogation: Some(granted("SURG")),
            etag: "1-0".into(),
            ..Default::default()
        };
        let stale = within(service.strikes().record_derogation(request)).await.unwrap_err();
        assert_eq!(stale.code(), Code::Aborted);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_outside_the_scope_has_no_derogation_and_a_nurses_strike_no_return() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        hospital(&service).await;
        service.register_wards(vec![adult("organisations/RXX/wards/B1")]).await;
        let elsewhere = pb::Derogation { cover_group: "organisations/RXX/coverGroups/ALL".into(), ..granted("GENMED") };
        let status = record(&service, elsewhere).await.unwrap_err();
        assert!(status.message().contains("organisations/RXX is not in the scope of the strike"), "{status}");
        for (organisation, why) in [
            ("organisations/RXX", "is not in the scope"),
            ("organisations/RZZ", "is not registered"),
            ("RJ1", "is not organisations/{ods}"),
        ] {
            let request =
                pb::GetStrikeCoverRequest { organisations: vec![organisation.into()], ..of(CoverBasis::Plan) };
            let status = within(service.strikes().get_strike_cover(request)).await.unwrap_err();
            assert_eq!(fields(&status), ["organisations[0]"]);
            assert!(status.message().contains(why), "{status}");
        }
        let request = pb::GetStrikeCoverRequest { window_ids: vec![1, 9], ..of(CoverBasis::Plan) };
        let status = within(service.strikes().get_strike_cover(request)).await.unwrap_err();
        assert_eq!(fields(&status), ["window_ids[1]"]);
        let nurses = pb::Strike { name: "strikes/rcn".into(), staff_group: pb::StaffGroup::Nurses.into(), ..april() };
        create(&service, nurses).await;
        let request = pb::GetStrikeCoverRequest { name: "strikes/rcn".into(), ..of(CoverBasis::Plan) };
        let status = within(service.strikes().get_strike_cover(request)).await.unwrap_err();
        assert_eq!(fields(&status), ["name"]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_return_comes_page_by_page_under_the_same_counts() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    hospital(&service).await;
    let whole = cover(&service, of(CoverBasis::Plan)).await;
    assert_eq!((whole.rows.len(), whole.next_page_token.as_str()), (4, ""));
    let mut request = pb::GetStrikeCoverRequest { page_size: 3, ..of(CoverBasis::Plan) };
    let first = cover(&service, request.clone()).await;
    request.page_token.clone_from(&first.next_page_token);
    let second = cover(&service, request.clone()).await;
    assert_eq!([&first.rows[..], &second.rows[..]].concat(), whole.rows);
    assert_eq!((first.counts, second.counts), (whole.counts, whole.counts));
    assert_eq!((second.next_page_token.as_str(), second.cursor), ("", first.cursor));
    request.basis = CoverBasis::Actual.into();
    let status = within(service.strikes().get_strike_cover(request)).await.unwrap_err();
    assert_eq!(fields(&status), ["page_token"], "a token goes on with the same question");
    service.stop().await;
}
