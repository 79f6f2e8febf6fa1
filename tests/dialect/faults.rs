//! Bad input: rules that loop, units that nobody knows, variables that nothing sets.

use super::fake::{Client, on_a_worker, serve};
use pushbench::model::Failure;

/// How the session of a case ends whose server runs this script, and in which words.
fn ending(
    case: &str,
    script: impl Fn(&mut super::fake::Peer, usize) + Send + Sync + 'static,
) -> (Failure, String) {
    let address = serve(script);
    on_a_worker(async {
        let mut client = Client::new(case, address);
        let failure = match client.open().await {
            Err(failure) => failure,
            Ok(()) => client.until_over().await.unwrap_err(),
        };
        (failure, client.detail())
    })
}

#[test]
fn a_send_that_triggers_itself_is_a_loop() {
    let case = "websocket = { path = \"/\" }\nrule = [{ on = { prefix = \"x\" }, send = \"x\" }]";
    let (failure, detail) = ending(case, |peer, _| {
        peer.upgrade();
        peer.text("x");
        loop {
            let text = peer.next_text();
            if text.is_empty() {
                return;
            }
            peer.text(&text);
        }
    });
    assert_eq!(failure, Failure::RuleLoop);
    assert!(detail.starts_with("rule 1 (prefix \"x\"): more than 64 sends within 5 s"), "{detail}");
}

/// How a loop of this rule ends whose server answers as `again` has it, so many milliseconds later.
fn looped(rule: &str, pause_ms: u64) -> (Failure, String) {
    let case = format!("websocket = {{ path = \"/\" }}\nready = \"open\"\nrule = [{rule}]");
    ending(&case, move |peer, _| {
        peer.upgrade();
        peer.text("x0");
        loop {
            let text = peer.next_text();
            if text.is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(pause_ms));
            peer.text(&text);
        }
    })
}

#[test]
fn a_loop_is_told_whatever_its_rule_says_beside_sending() {
    for then in ["ready", "deliver", "pong", "empty"] {
        let rule = format!("{{ on = {{ prefix = \"x\" }}, send = \"x${{n++}}\", then = \"{then}\" }}");
        let (failure, detail) = looped(&rule, 0);
        assert_eq!(failure, Failure::RuleLoop, "{then}");
        assert!(
            detail.starts_with("rule 1 (prefix \"x\"): more than 64 sends within 5 s"),
            "{then}: {detail}"
        );
    }
}

#[test]
fn a_loop_that_turns_slowly_is_one_too() {
    let rule = "{ on = { prefix = \"x\" }, send = \"x\", then = \"deliver\" }";
    let (failure, detail) = looped(rule, 85);
    assert_eq!(failure, Failure::RuleLoop);
    assert!(detail.starts_with("rule 1 (prefix \"x\"): more than 256 sends, each answered"), "{detail}");
}

#[test]
fn a_rule_that_sends_more_than_can_wait_is_named() {
    let many = vec!["\"x\""; 300].join(", ");
    let rule = format!("{{ on = {{ prefix = \"x\" }}, send = [{many}] }}");
    let case = format!("websocket = {{ path = \"/\" }}\nrule = [{rule}]");
    let (failure, detail) = ending(&case, |peer, _| {
        peer.upgrade();
        peer.text("x");
        peer.linger();
    });
    assert_eq!(failure, Failure::RuleLoop);
    assert!(detail.starts_with("rule 1 (prefix \"x\")"), "{detail}");
}

#[test]
fn sessions_that_only_end_to_be_opened_again_are_a_loop() {
    let case = "websocket = { path = \"/\" }\nready = \"steps\"\nsteps = [{ expect = { equals = \"never\" } }]\nrule = [{ on = { any = true }, then = \"again\" }]";
    let address = serve(|peer, _| {
        peer.upgrade();
        peer.text("x");
        peer.linger();
    });
    on_a_worker(async {
        let mut client = Client::new(case, address);
        for n in 0.. {
            client.open().await.unwrap();
            match client.until_over().await {
                Ok(_) => assert!(n < 10, "it goes on for ever"),
                Err(failure) => {
                    assert_eq!(failure, Failure::RuleLoop);
                    break;
                }
            }
        }
        assert!(client.detail().contains("10 sessions in a row"));
    });
}

#[test]
fn a_strict_dialect_names_what_it_does_not_know() {
    let case = "websocket = { path = \"/\" }\nstrict = true\nrule = [{ on = { equals = \"a\" } }]";
    let (failure, detail) = ending(case, |peer, _| {
        peer.upgrade();
        peer.text("a");
        peer.text("what is this");
        peer.linger();
    });
    assert_eq!((failure, detail.as_str()), (Failure::Unmatched, "no rule knows \"what is this\""));
}

#[test]
fn a_variable_that_nothing_set_names_its_template() {
    let case = r#"
        websocket = { path = "/" }
        rule = [{ on = { equals = "go" }, send = "id ${id}" }, { on = { equals = "x" }, set = { id = "1" }, then = "ready" }]
    "#;
    let (failure, detail) = ending(case, |peer, _| {
        peer.upgrade();
        peer.text("go");
        peer.linger();
    });
    assert_eq!(failure, Failure::NotReady);
    assert_eq!(detail, "rule 1 (equals \"go\"): template \"id ${id}\": nothing has set `id` yet");
}

#[test]
fn a_login_that_is_refused_says_which_step_and_how() {
    let case = "websocket = { path = \"/\" }\nsteps = [{ post = \"/login\", body = \"x\" }]";
    let (failure, detail) = ending(case, |peer, _| {
        peer.request();
        peer.answer(403, "", "bad password");
        peer.linger();
    });
    assert_eq!(failure, Failure::NotReady);
    assert_eq!(detail, "step 1 (POST /login): status 403, body \"bad password\"");

    let case = "websocket = { path = \"/\" }\nsteps = [{ get = \"/t\", set = { t = { pointer = \"/t\" } } }]";
    let (failure, detail) = ending(case, |peer, _| {
        peer.request();
        peer.answer(200, "", "{}");
        peer.linger();
    });
    assert_eq!((failure, detail.as_str()), (Failure::NotReady, "step 1: `t`: nothing for it in \"{}\""));
}

#[test]
fn a_session_that_ends_before_it_is_ready_says_what_it_waited_for() {
    let case = "websocket = { path = \"/\" }\nsteps = [{ send = \"hi\", expect = { equals = \"ho\" } }]";
    let (failure, detail) = ending(case, |peer, _| {
        peer.upgrade();
        peer.next_text();
    });
    assert_eq!(failure, Failure::ClosedEarly);
    assert!(detail.ends_with("step 1 (send \"hi\") was not answered as expected"), "{detail}");
}

#[test]
fn a_value_without_end_is_refused() {
    let case = r#"
        websocket = { path = "/" }
        vars = { all = "" }
        rule = [{ on = { any = true }, set = { all = "${all}${all}0123456789" } }]
    "#;
    let (failure, detail) = ending(case, |peer, _| {
        peer.upgrade();
        for _ in 0..40 {
            peer.text("x");
        }
        peer.linger();
    });
    assert_eq!(failure, Failure::RuleFailed);
    assert!(detail.contains("a variable holds 65536"), "{detail}");
}
