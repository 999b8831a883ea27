//! Planned work: submitted, corrected, refused; each on both stores.

use tonic::{Code, Status};
use wardwatch::domain::Span;
use wardwatch::wire::pb::{self, ActivityCategory, Resolution};

use super::strikes::{april, create};
use crate::support::hospital::{clock, fields, morning, pass};
use crate::support::service::{Service, on_both_stores, within};

/// Planned, delivered and postponed of RJ1.
pub fn work(day: &str, category: ActivityCategory, figures: [Option<i32>; 3]) -> pb::Activity {
    let [planned, delivered, postponed] = figures;
    pb::Activity {
        organisation: "organisations/RJ1".into(),
        day: day.into(),
        category: category.into(),
        planned,
        delivered,
        postponed,
        source: "PAS".into(),
    }
}

pub async fn submit(service: &Service, activities: Vec<pb::Activity>, validate_only: bool) -> Result<i32, Status> {
    let request = pb::SubmitActivityRequest { activities, validate_only };
    Ok(within(service.reporting().submit_activity(request)).await?.into_inner().accepted_count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_was_to_stand_down_and_was_done_is_an_alert_until_the_figures_are_corrected() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        create(&service, april()).await;
        let done = [work("2016-04-26", ActivityCategory::DayCase, [Some(40), Some(3), Some(37)])];
        assert_eq!(submit(&service, done.to_vec(), true).await.unwrap(), 1);
        let stored = async || place.number("SELECT count(*) FROM activity").await;
        assert_eq!(stored().await, 0, "checked only");
        service.settled().await;
        let not_stood_down = async || {
            let filter = pb::AlertFilter { rules: vec!["elective.*".into()], ..Default::default() };
            let states = [pb::AlertState::Open, pb::AlertState::Resolved].map(i32::from).to_vec();
            service.list(pb::ListAlertsRequest { filter: Some(filter), states, ..Default::default() }).await
        };
        assert!(not_stood_down().await.is_empty());

        let audited = async || place.number("SELECT count(*) FROM audit WHERE subject IS NOT NULL").await;
        let before = audited().await;
        assert_eq!(submit(&service, done.to_vec(), false).await.unwrap(), 1);
        service.settled().await;
        let alerts = not_stood_down().await;
        assert_eq!((alerts.len(), alerts[0].rule.as_str()), (1, "elective.not_stood_down"));
        assert_eq!((alerts[0].instance.as_str(), alerts[0].state()), ("2016-04-26", pb::AlertState::Open));
        assert_eq!(alerts[0].strike, "strikes/bma-2016-04-26");
        assert_eq!(audited().await, before + 2, "stored, and raised");

        pass(&clock, 10);
        let corrected = work("2016-04-26", ActivityCategory::DayCase, [Some(40), Some(0), Some(40)]);
        submit(&service, vec![corrected], false).await.unwrap();
        service.settled().await;
        let alerts = not_stood_down().await;
        assert_eq!((alerts.len(), alerts[0].resolution()), (1, Resolution::Corrected));
        assert_eq!(stored().await, 1, "a correction replaces");

        // Figures of a day that no strike touches say nothing to any rule.
        submit(&service, vec![work("2016-04-25", ActivityCategory::DayCase, [None, Some(9), None])], false)
            .await
            .unwrap();
        service.settled().await;
        assert_eq!(not_stood_down().await.len(), 1);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_a_strike_day_are_judged_until_the_end_of_the_day_after() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        create(&service, april()).await;
        submit(&service, vec![work("2016-04-26", ActivityCategory::Inpatient, [None, Some(1), None])], false)
            .await
            .unwrap();
        service.settled().await;
        let open = async || service.open_alerts().await.iter().any(|(rule, ..)| rule == "elective.not_stood_down");
        // 08:00 UTC is 09:00 in London; the day after ends at 23:00 UTC.
        clock.advance_to(morning() + Span::hours(38) + Span::minutes(59));
        service.settled().await;
        assert!(open().await);
        pass(&clock, 1);
        service.settled().await;
        assert!(!open().await);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_below_the_target_is_an_alert_where_the_policy_says_so() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        create(&service, pb::Strike { elective_policy: pb::ElectivePolicy::Maintain.into(), ..april() }).await;
        let done = |delivered| work("2016-04-26", ActivityCategory::Outpatient, [Some(1_000), Some(delivered), None]);
        submit(&service, vec![done(949)], false).await.unwrap();
        service.settled().await;
        let below = async || service.open_alerts().await.iter().any(|(rule, ..)| rule == "elective.below_target");
        assert!(!below().await, "off by default");
        let rules = [("elective.below_target".to_owned(), true)].into();
        let policy = pb::Policy { name: "policies/default".into(), rules, ..Default::default() };
        let request = pb::UpdatePolicyRequest { policy: Some(policy), ..Default::default() };
        within(service.policies().update_policy(request)).await.unwrap();
        service.settled().await;
        assert!(below().await, "94.9 %");
        submit(&service, vec![done(950)], false).await.unwrap();
        service.settled().await;
        assert!(!below().await, "95 % is the target");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_field_of_planned_work_is_named_and_no_row_is_kept() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let good = || work("2016-04-26", ActivityCategory::Inpatient, [Some(1), None, None]);
        let other = || pb::Activity { category: ActivityCategory::Outpatient.into(), ..good() };
        for (bad, field) in [
            (pb::Activity { organisation: "organisations/RXX".into(), ..other() }, "activities[1].organisation"),
            (
                pb::Activity { organisation: "organisations/RJ1/wards/A1".into(), ..other() },
                "activities[1].organisation",
            ),
            (pb::Activity { organisation: String::new(), ..other() }, "activities[1].organisation"),
            (pb::Activity { day: "26/04/2016".into(), ..other() }, "activities[1].day"),
            (pb::Activity { day: "2016-02-30".into(), ..other() }, "activities[1].day"),
            (pb::Activity { day: "2026-04-26".into(), ..other() }, "activities[1].day"),
            (pb::Activity { category: 0, ..other() }, "activities[1].category"),
            (pb::Activity { category: 9, ..other() }, "activities[1].category"),
            (pb::Activity { planned: Some(-1), ..other() }, "activities[1].planned"),
            (pb::Activity { postponed: Some(1_000_001), ..other() }, "activities[1].postponed"),
            (pb::Activity { planned: None, ..other() }, "activities[1].planned"),
            (pb::Activity { source: "a system".into(), ..other() }, "activities[1].source"),
            (good(), "activities[1]"),
        ] {
            let status = submit(&service, vec![good(), bad], false).await.unwrap_err();
            assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, vec![field.to_owned()]), "{status}");
        }
        let all = vec![pb::Activity::default(); 2];
        assert_eq!(fields(&submit(&service, all, false).await.unwrap_err()).len(), 10, "everything is named at once");
        let status = submit(&service, vec![good(); 1_001], false).await.unwrap_err();
        assert_eq!(fields(&status), ["activities"]);
        assert_eq!(place.number("SELECT count(*) FROM activity").await, 0);
        assert_eq!(submit(&service, vec![], false).await.unwrap(), 0);
        service.stop().await;
    })
    .await;
}
