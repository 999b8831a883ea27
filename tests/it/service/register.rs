//! The register: wards as they stand, pages, and changes that re-judge; each on both stores.

use wardwatch::domain::Span;
use wardwatch::wire::pb::{
    self, AlertEventType, BlockKind, CauseKind, Evaluation, Freshness, RejectReason, Resolution, Severity, WardStatus,
};
use wardwatch::wire::to_time;

use crate::support::hospital::{adult, beds, clock, fields, figures, morning, nurses, pass, reason, violations, ward};
use crate::support::service::{Service, eventually, on_both_stores, within};

async fn upsert(service: &Service, organisations: Vec<pb::Organisation>) -> pb::UpsertOrganisationsResponse {
    let request = pb::UpsertOrganisationsRequest { organisations, validate_only: false };
    within(service.register().upsert_organisations(request)).await.unwrap().into_inner()
}

fn organisation(code: &str) -> pb::Organisation {
    pb::Organisation { name: format!("organisations/{code}"), ..Default::default() }
}

/// What a rule says of a ward.
fn says(answer: &pb::GetWardResponse, rule: &str) -> (Evaluation, String) {
    let found = answer.evaluations.iter().find(|e| e.rule == rule).unwrap_or_else(|| panic!("no answer of {rule}"));
    (found.evaluation(), found.reason.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_says_how_it_stands_and_why_there_is_no_alert() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let fresh = service.ward(&ward(1)).await;
        assert_eq!((fresh.status(), fresh.freshness()), (WardStatus::NeverReported, Freshness::Stale));
        assert_eq!(fresh.blocks, []);
        let (evaluation, why) = says(&fresh, "ratio.over_limit");
        assert!(evaluation == Evaluation::NotEvaluable && !why.is_empty(), "{why}");

        service.report(beds(&ward(1), morning(), 16)).await;
        let half = service.ward(&ward(1)).await;
        assert_eq!(half.status(), WardStatus::Incomplete);

        let staff = nurses(&ward(1), morning() - Span::minutes(20), 2);
        service.report(staff.clone()).await;
        let whole = service.ward(&ward(1)).await;
        assert_eq!((whole.status(), whole.freshness()), (WardStatus::AtLimit, Freshness::Fresh));
        assert_eq!(says(&whole, "ratio.over_limit").0, Evaluation::WithinLimit);
        assert_eq!(says(&whole, "capacity.over").0, Evaluation::Disabled);
        assert_eq!(whole.ward.as_ref().unwrap().beds, Some(20));
        let nursing = whole.blocks.iter().find(|b| b.block() == BlockKind::Nursing).unwrap();
        assert_eq!((nursing.source.as_str(), &nursing.report_id), ("ROSTER", &staff.report_id));
        assert_eq!(to_time(nursing.overdue_time.unwrap()), Some(morning() + Span::minutes(70)));
        let current = whole.current.unwrap();
        assert_eq!((current.patients.unwrap().bedded, current.nursing.unwrap().registered_nurses), (Some(16), Some(2)));
        assert_eq!(to_time(current.observed_time.unwrap()), Some(morning()), "of the newest block");

        service.report(figures(&ward(1), morning() + Span::seconds(1), 17, 2)).await;
        let over = service.ward(&ward(1)).await;
        assert_eq!((over.status(), says(&over, "ratio.over_limit").0), (WardStatus::Warning, Evaluation::Breaching));

        // Old figures are not green, and the open alert stays.
        pass(&clock, 91);
        service.settled().await;
        let stale = service.ward(&ward(1)).await;
        assert_eq!((stale.status(), stale.freshness()), (WardStatus::Warning, Freshness::Stale));
        assert_eq!(says(&stale, "ratio.over_limit").0, Evaluation::NotEvaluable);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_or_organisation_that_is_not_there_is_not_found() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let ask = async |name: &str| {
            let request = pb::GetWardRequest { name: name.to_owned() };
            within(service.register().get_ward(request)).await.unwrap_err()
        };
        let status = ask("organisations/RJ1/wards/A2").await;
        let text = "organisations/RJ1/wards/A2 (nearest: organisations/RJ1/wards/A1) does not exist";
        assert_eq!((status.code(), status.message()), (tonic::Code::NotFound, text));
        let status = ask("A1").await;
        assert_eq!((reason(&status), fields(&status)), ("INVALID_REQUEST".to_owned(), vec!["name".to_owned()]));
        let request = pb::ListWardsRequest { parent: "organisations/RXX".into(), ..Default::default() };
        let status = within(service.register().list_wards(request)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (tonic::Code::NotFound, "organisations/RXX does not exist"));
        let request = pb::ListWardsRequest { parent: "RJ1".into(), ..Default::default() };
        let status = within(service.register().list_wards(request)).await.unwrap_err();
        let text = "parent: 'RJ1' is not organisations/{ods}, or organisations/- for all";
        assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, text));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_page_by_page_in_order() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let mut names: Vec<_> = (1..=12).map(ward).collect();
        names.extend((1..=3).map(|n| format!("organisations/RXX/wards/B{n}")));
        service.register_wards(names.iter().map(|n| adult(n)).collect()).await;
        names.sort_unstable();
        let mut client = service.register();
        let mut seen = Vec::new();
        let mut request = pb::ListWardsRequest { parent: "organisations/-".into(), page_size: 4, ..Default::default() };
        let (mut cursors, mut pages) = (Vec::new(), 0);
        loop {
            let page = within(client.list_wards(request.clone())).await.unwrap().into_inner();
            assert!(page.wards.len() <= 4);
            seen.extend(page.wards.into_iter().map(|w| w.name));
            cursors.push(page.cursor);
            pages += 1;
            // What happens meanwhile changes neither the pages nor the cursor they carry.
            service.report(figures(&ward(1), morning() + Span::seconds(i64::from(pages)), 20 + pages, 2)).await;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, names);
        assert_eq!(cursors.len(), 4);
        assert!(!cursors[0].is_empty() && cursors.iter().all(|c| *c == cursors[0]));

        let one = pb::ListWardsRequest { parent: "organisations/RXX".into(), page_size: 2, ..Default::default() };
        let page = within(client.list_wards(one.clone())).await.unwrap().into_inner();
        assert_eq!(page.wards.len(), 2);
        let foreign = [
            pb::ListWardsRequest {
                parent: "organisations/RJ1".into(),
                page_token: page.next_page_token.clone(),
                ..one.clone()
            },
            pb::ListWardsRequest { page_token: format!("{}00", page.next_page_token), ..one.clone() },
            pb::ListWardsRequest { page_token: "nonsense".into(), ..one },
        ];
        for request in foreign {
            let status = within(client.list_wards(request)).await.unwrap_err();
            let text =
                "page_token: is not the token of a page before with the same other fields; leave it out to start again";
            assert_eq!((status.code(), status.message()), (tonic::Code::InvalidArgument, text));
        }
        let other = pb::ListOrganisationsRequest { page_token: page.next_page_token, ..Default::default() };
        let status = within(client.list_organisations(other)).await.unwrap_err();
        assert_eq!(fields(&status), ["page_token"]);

        let mut request = pb::ListOrganisationsRequest { page_size: 1, ..Default::default() };
        let first = within(client.list_organisations(request.clone())).await.unwrap().into_inner();
        request.page_token = first.next_page_token;
        let second = within(client.list_organisations(request)).await.unwrap().into_inner();
        let names: Vec<_> = first.organisations.iter().chain(&second.organisations).map(|o| &*o.name).collect();
        assert_eq!(names, ["organisations/RJ1", "organisations/RXX"]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upsert_says_what_it_did_and_all_rows_are_written_or_none() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let answer = upsert(&service, vec![organisation("RJ1"), organisation("RXX")]).await;
        assert_eq!((answer.created_count, answer.updated_count, answer.unchanged_count), (2, 0, 0));
        let named = pb::Organisation { display_name: "Guy's and St Thomas'".into(), ..organisation("RJ1") };
        let answer = upsert(&service, vec![named, organisation("RXX")]).await;
        assert_eq!((answer.created_count, answer.updated_count, answer.unchanged_count), (0, 1, 1));

        let wards = vec![
            adult(&ward(1)),
            pb::Ward { kind: 0, beds: Some(-2), ..adult(&ward(2)) },
            pb::Ward { minimum_registered_nurses: Some(1), ..adult("organisations/RJ1/wards/a3") },
            adult(&ward(1)),
        ];
        let request = pb::UpsertWardsRequest { wards, validate_only: false };
        let status = within(service.register().upsert_wards(request)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        let expected = ["wards[1].kind", "wards[1].beds", "wards[2].name", "wards[2].minimum_reason", "wards[3].name"];
        assert_eq!(fields(&status), expected, "{}", status.message());
        assert_eq!(place.number("SELECT count(*) FROM subject WHERE kind = 1").await, 0);

        let wards = (0..1_001).map(|n| adult(&ward(n))).collect();
        let request = pb::UpsertWardsRequest { wards, validate_only: false };
        let status = within(service.register().upsert_wards(request)).await.unwrap_err();
        assert_eq!(status.message(), "wards: 1001 rows: at most 1000 in one call");
        let wards = vec![adult("organisations/RZZ/wards/A1")];
        let request = pb::UpsertWardsRequest { wards, validate_only: false };
        let answer = within(service.register().upsert_wards(request)).await.unwrap().into_inner();
        assert_eq!((answer.created_count, answer.created_organisation_count), (1, 1));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_limit_judges_the_ward_anew_with_no_report() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        service.submit(vec![figures(&ward(1), morning(), 20, 2), figures(&ward(2), morning(), 14, 2)]).await;
        service.settled().await;
        assert_eq!(service.open_alerts().await.len(), 1);
        // One ward may have ten patients per nurse, the other six.
        let limited = |n, limit| pb::Ward { limit_patients_per_rn: Some(limit), ..adult(&ward(n)) };
        service.register_wards(vec![limited(1, 10.0), limited(2, 6.0)]).await;
        service.settled().await;
        assert_eq!(service.open_alerts().await, [("ratio.over_limit".to_owned(), "A2".to_owned(), Severity::Warning)]);
        let ended = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await.remove(0);
        assert_eq!((ended.ward.as_str(), ended.resolution()), (&*ward(1), Resolution::RegisterChanged));
        let last = service.events(&ended.name).await.pop().unwrap();
        assert_eq!(last.cause.unwrap().kind(), CauseKind::Register);
        let raised = service.list(pb::ListAlertsRequest::default()).await.remove(0);
        let first = service.events(&raised.name).await.remove(0);
        assert_eq!(first.r#type(), AlertEventType::Raised);
        assert_eq!(first.cause.unwrap().kind(), CauseKind::Register, "no report and no clock did this");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_organisation_says_holds_for_its_wards() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        let census =
            |name: &str| pb::Ward { report_every_minutes: None, census_times: vec!["09:30".into()], ..adult(name) };
        service.register_wards(vec![census(&ward(1))]).await;
        // 08:00 UTC is 09:00 in London in April: figures are due at 09:30, overdue at 10:30 local, 09:30 UTC.
        service.report(figures(&ward(1), morning(), 20, 2)).await;
        let overdue = async || {
            let answer = service.ward(&ward(1)).await;
            to_time(answer.blocks[0].overdue_time.unwrap()).unwrap() - morning()
        };
        assert_eq!(overdue().await, Span::minutes(90));
        // An hour further east the census was at 07:30 UTC: the next is tomorrow's.
        let moved = pb::Organisation { time_zone: "Europe/Berlin".into(), region: "Y56".into(), ..organisation("RJ1") };
        upsert(&service, vec![moved]).await;
        assert_eq!(overdue().await, Span::minutes(24 * 60 + 30));
        pass(&clock, 91);
        service.settled().await;
        assert_eq!(service.open_alerts().await.len(), 1, "the ratio alone: nothing is overdue");
        // An episode keeps the region it was raised in, so that whoever follows it sees its end; the next has the new.
        service.report(figures(&ward(1), morning() + Span::minutes(91), 20, 1)).await;
        let alerts = service.list(pb::ListAlertsRequest::default()).await;
        let regions: Vec<_> = alerts.iter().map(|a| (&*a.rule, &*a.region)).collect();
        assert_eq!(regions, [("ratio.over_limit", ""), ("rn.below_minimum", "Y56")]);
        let filter = Some(pb::AlertFilter { regions: vec!["Y56".into()], ..Default::default() });
        assert_eq!(service.list(pb::ListAlertsRequest { filter, ..Default::default() }).await.len(), 1);
        service.stop().await;
    })
    .await;
}

/// An older backup put in the place of the database, behind the back of a running service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_that_went_back_is_read_anew() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_wards(vec![adult(&ward(1))]).await;
        let before = place.number("SELECT generation FROM head").await;
        service.register_wards(vec![adult(&ward(2)), pb::Ward { beds: Some(9), ..adult(&ward(1)) }]).await;
        service.settled().await;
        let number = place.number("SELECT max(number) FROM subject").await;
        for table in ["subject", "subject_cold", "config"] {
            place.execute(&format!("DELETE FROM {table} WHERE number = {number}")).await;
        }
        place.execute(&format!("UPDATE head SET generation = {before}")).await;
        let request = pb::ListWardsRequest { parent: "organisations/-".into(), ..Default::default() };
        let wards = within(service.register().list_wards(request)).await.unwrap().into_inner().wards;
        assert_eq!(wards.iter().map(|w| &*w.name).collect::<Vec<_>>(), [ward(1)]);
        let receipt = service.report(figures(&ward(2), morning(), 20, 2)).await;
        assert_eq!(violations(&receipt)[0].1, RejectReason::UnknownSubject);
        service.stop().await;
    })
    .await;
}

/// A tail of the log that was lost behind the back of a replica, with a ward's registration, and as many changes since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_register_of_another_history_is_read_anew_although_it_looks_as_new() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        service.report(figures(&ward(1), morning(), 20, 2)).await;
        service.settled().await;
        let number = place.number("SELECT max(number) FROM subject").await;
        for table in ["subject", "subject_cold", "config"] {
            place.execute(&format!("DELETE FROM {table} WHERE number = {number}")).await;
        }
        place.execute("UPDATE event SET tag = tag - 1 WHERE position = (SELECT position FROM head)").await;
        place.execute("UPDATE head SET tag = tag - 1").await;
        eventually("the lost ward is not known any more", async || {
            let request = pb::ListWardsRequest { parent: "organisations/-".into(), ..Default::default() };
            let wards = within(service.register().list_wards(request)).await.unwrap().into_inner().wards;
            wards.iter().map(|w| &*w.name).eq([ward(1)])
        })
        .await;
        let receipt = service.report(figures(&ward(2), morning(), 20, 2)).await;
        assert_eq!(violations(&receipt)[0].1, RejectReason::UnknownSubject);
        service.stop().await;
    })
    .await;
}
