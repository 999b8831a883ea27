//! `wardwatch healthcheck --admin`: what the image asks, by plain HTTP, whatever the API wants of its clients.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::process::{Process, said, wardwatch};

fn asked(admin: &str) -> (Option<i32>, String, String) {
    // A proxy that the environment names is none of this host's business.
    said(&wardwatch(&["healthcheck", "--admin", admin]).env("http_proxy", "http://127.0.0.1:1").output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_port_says_that_the_service_serves_until_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("w.sqlite").display());
    let process = Process::serve(&database, &[]);
    let admin = process.admin.clone();
    assert_eq!(asked(&admin), (Some(0), "SERVING\n".to_owned(), String::new()));
    process.kill().await;
    let (code, stdout, stderr) = asked(&admin);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains(&format!("http://{admin}/readyz")) && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn a_service_that_is_not_ready_fails_its_health_check() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = listener.local_addr().unwrap().to_string();
    let answered = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let read = client.read(&mut [0; 1024]).unwrap();
        client
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        read
    });
    assert_eq!(asked(&admin), (Some(1), "NOT_SERVING\n".to_owned(), format!("wardwatch: {admin} does not serve\n")));
    assert!(answered.join().unwrap() > 0);
}
