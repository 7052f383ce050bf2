//! `run --metrics-listen`: a real process, scraped over real HTTP.

#[cfg(not(feature = "metrics"))]
#[test]
fn a_build_without_metrics_says_so() {
    use super::support::{complaint, driftshm};
    let args = ["run", "--check", "--cluster", "sim", "--metrics-listen", "127.0.0.1:9464"];
    let said = complaint(&mut driftshm(&args), 2);
    let expected =
        "--metrics-listen is \"127.0.0.1:9464\": this driftshm was built without metrics";
    assert!(said.starts_with(expected), "{said}");
}

#[cfg(feature = "metrics")]
mod served {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::time::Instant;

    use crate::http::{get, request, samples};
    use crate::process::{PATIENCE, Writer, directory, unreadable_recording, until};

    const ANY: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];
    const SIM: [&str; 6] = ["--feed", "sim", "--users", "4", "--rate", "500"];

    fn address(writer: &Writer) -> SocketAddr {
        let line = writer.line("serving metrics");
        let url = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}"));
        url.split('/').next().unwrap().parse().unwrap()
    }

    fn descriptors(writer: &Writer) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", writer.pid())).unwrap().count()
    }

    #[test]
    fn a_scraper_gets_the_format_it_asks_for_and_others_are_told_what_there_is() {
        let dir = directory();
        let writer = Writer::start(&dir, &[&SIM[..], &ANY].concat());
        let address = address(&writer);
        until("ready", || get(address, "/readyz").status == 200);
        let page = get(address, "/metrics");
        assert!(page.head.contains("content-type: text/plain; version=0.0.4"), "{}", page.head);
        let open = request(
            address,
            "GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;q=0.9\r\n\r\n",
        );
        assert!(open.head.contains("content-type: application/openmetrics-text"), "{}", open.head);
        assert!(open.body.ends_with("# EOF\n"));
        for text in [&page.body, &open.body] {
            assert_eq!(samples(text)["driftshm_up"], 1.0);
        }
        let head = request(address, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let wrong = get(address, "/");
        assert!(wrong.status == 404 && wrong.body.contains("/readyz"), "{}", wrong.body);
        let post =
            request(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        assert!(post.status == 405 && post.head.contains("allow: get, head"), "{}", post.head);
        assert_eq!(request(address, "nonsense\r\n\r\n").status, 400);
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(10_000));
        assert!(matches!(request(address, &long).status, 414 | 431), "no longer than that");
    }

    #[test]
    fn a_feed_that_never_was_live_leaves_the_writer_healthy_and_not_ready() {
        let dir = directory();
        let recording = unreadable_recording(&dir);
        let writer = Writer::start(
            &dir,
            &[&["--feed", "replay", "--replay", &recording][..], &ANY].concat(),
        );
        let address = address(&writer);
        writer.line("the feed failed");
        until("down", || get(address, "/readyz").json()["feed"] == "down");
        let ready = get(address, "/readyz");
        assert_eq!((ready.status, &ready.json()["verdict"]), (503, &"starting".into()));
        assert_eq!(get(address, "/healthz").status, 200);
        let page = samples(&get(address, "/metrics").body);
        assert_eq!((page["driftshm_up"], page["driftshm_feed_live"]), (1.0, 0.0));
        assert_eq!(page[r#"driftshm_feed_state{feed="replay",state="down"}"#], 1.0);
    }

    #[test]
    fn an_address_in_use_ends_the_start_and_the_setting_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let dir = directory();
        let mut writer = Writer::start(&dir, &[&SIM[..], &["--metrics-listen", &address]].concat());
        let line = writer.line("cannot serve metrics");
        assert!(line.contains(&address) && line.contains("--metrics-listen"), "{line}");
        assert_eq!(writer.wait(), Some(1));
        // Nothing is left that would keep the next one out.
        let writer = Writer::start(&dir, &[&SIM[..], &ANY].concat());
        writer.line("READY=1");
    }

    #[test]
    fn clients_that_say_nothing_or_never_end_hold_nothing_up_and_leave_nothing_behind() {
        let dir = directory();
        let writer = Writer::start(&dir, &[&SIM[..], &ANY].concat());
        let address = address(&writer);
        until("ready", || get(address, "/readyz").status == 200);
        let before = descriptors(&writer);
        // More than there are places.
        let silent: Vec<_> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET /metrics HTTP/1.1\r\nHo").unwrap();
        let asked = Instant::now();
        assert_eq!(get(address, "/healthz").status, 200);
        assert!(asked.elapsed() < PATIENCE);
        assert!(descriptors(&writer) < before + 70, "places are limited");
        // They are closed by the writer, which has waited long enough.
        for stream in silent.iter().chain([&slow]) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let _ = { stream }.read_to_end(&mut Vec::new()).unwrap();
        }
        until("their descriptors are free", || descriptors(&writer) <= before);
        let page = samples(&get(address, "/metrics").body);
        assert_eq!((page["driftshm_ready"], page["driftshm_up"]), (1.0, 1.0));
    }

    #[test]
    fn a_storm_of_scrapes_leaves_the_heart_beating() {
        let dir = directory();
        let writer = Writer::start(&dir, &[&SIM[..], &ANY].concat());
        let address = address(&writer);
        until("ready", || get(address, "/readyz").status == 200);
        let count = |name: &str| samples(&get(address, "/metrics").body)[name];
        let before = count("driftshm_published_total");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        assert_eq!(get(address, "/metrics").status, 200);
                        assert_eq!(get(address, "/healthz").status, 200);
                    }
                });
            }
        });
        until("it publishes", || count("driftshm_published_total") > before);
    }
}
