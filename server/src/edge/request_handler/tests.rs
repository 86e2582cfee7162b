use std::{net::Ipv4Addr, time::Duration};

use serde_json::Value;
use tribune_protocol::ActionPattern;

use super::*;
use crate::edge::AddressBudgets;

struct Client {
    handler: RequestHandler,
    now: Instant,
}

impl Client {
    fn new(move_rate: u32) -> Self {
        let limits = ConnectionLimits { move_rate: NonZeroU32::new(move_rate), max_players: 2 };
        let handler = RequestHandler::new(Arc::default(), limits, PlayerPermits::new(100), None);
        Self { handler, now: Instant::now() }
    }

    fn send(&mut self, lines: &[&str]) -> Actions {
        let mut actions = Actions::default();
        for line in lines {
            let line = Line::Whole(line.as_bytes().to_vec().into());
            self.handler.handle_line(line, &GameId("g".into()), self.now, &mut actions);
        }
        actions
    }
}

fn moves(actions: &Actions) -> Vec<String> {
    actions.acts.iter().map(PlayerAction::to_string).collect()
}

/// The replies: the code of an error, or the type of anything else.
fn replies(actions: &Actions) -> Vec<String> {
    let lines = actions.replies.split_inclusive(|&byte| byte == b'\n');
    let replies = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    replies
        .map(|reply| reply.get("code").unwrap_or(&reply["type"]).as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_bare_direction_moves_the_last_player_again() {
    let mut client = Client::new(0);
    let actions = client.send(&["N", "N ann", "S bob", "", "E"]);
    assert_eq!(moves(&actions), ["N ann", "S bob", "E bob"]);
    assert_eq!(replies(&actions), ["no_name_yet"]);
}

#[test]
fn refuses_one_player_too_many() {
    let actions = Client::new(0).send(&["N ann", "N bob", "N eve", "S ann", "W"]);
    assert_eq!(moves(&actions), ["N ann", "N bob", "S ann", "W ann"]);
    assert_eq!(replies(&actions), ["too_many_players"]);
}

#[test]
fn refuses_moves_beyond_the_rate_and_nothing_else() {
    let mut client = Client::new(3);
    let actions = client.send(&["N ann", "N", "N", "N", r#"{"type":"ping","id":1}"#]);
    assert_eq!(moves(&actions).len(), 3);
    assert_eq!(replies(&actions), ["rate_limited", "pong"]);
    client.now += Duration::from_secs(1);
    assert_eq!(moves(&client.send(&["N", "N", "N", "N"])).len(), 3);
}

#[test]
fn the_text_of_an_action_counts_for_the_budget_of_its_address() {
    let budgets = AddressBudgets::new(NonZeroU32::new(1000));
    let mut client = Client::new(0);
    client.handler.address = budgets.budget_of(Ipv4Addr::LOCALHOST.into());
    client.handler.syntax = Arc::new(ActionSyntax::Pattern(ActionPattern::new(".*").unwrap()));
    let line = format!("{} ann", "李".repeat(64));
    let actions = client.send(&[line.as_str(); 40]);
    let bytes: usize = moves(&actions).iter().map(String::len).sum();
    assert!((1..1000).contains(&bytes), "{bytes}");
    assert!(replies(&actions).iter().all(|code| code == "rate_limited"));
}

#[test]
fn refuses_a_line_that_is_too_long() {
    let mut actions = Actions::default();
    let mut client = Client::new(0);
    client.handler.handle_line(
        Line::Cut(vec![b'x'; 1024].into()),
        &GameId("g".into()),
        client.now,
        &mut actions,
    );
    assert_eq!(replies(&actions), ["line_too_long"]);
}

#[test]
fn ignores_an_unfinished_line() {
    let mut actions = Actions::default();
    let mut client = Client::new(0);
    client.handler.handle_line(
        Line::Unfinished("N an".into()),
        &GameId("g".into()),
        client.now,
        &mut actions,
    );
    assert!(actions.acts.is_empty() && actions.replies.is_empty());
}

#[test]
fn refuses_to_resume_another_game_or_too_often() {
    let mut client = Client::new(0);
    let actions = client.send(&[r#"{"type":"resume","game":"other","after":3}"#]);
    assert_eq!((actions.resume, replies(&actions)), (None, vec!["unknown_game".to_owned()]));
    let resume = r#"{"type":"resume","game":"g","after":3}"#;
    let actions = client.send(&[resume; 12]);
    assert_eq!((actions.resume, replies(&actions).len()), (Some(Seq(3)), 2));
}

#[test]
fn pauses_after_too_many_blank_lines_and_pings() {
    let mut client = Client::new(0);
    let ping = r#"{"type":"ping","id":1}"#;
    let actions = client.send(&["", ping, "N ann", " \t", ping]);
    assert_eq!((actions.unmetered_lines, actions.acts.len()), (4, 1));
    let now = client.now;
    assert_eq!(client.handler.pause_after(0, now), Duration::ZERO);
    assert_eq!(client.handler.pause_after(99, now), Duration::ZERO);
    assert_eq!(client.handler.pause_after(51, now), Duration::from_millis(1020));
    let later = now + Duration::from_secs(60);
    assert_eq!(client.handler.pause_after(99, later), Duration::ZERO);
}

#[test]
fn gives_up_a_connection_with_too_many_errors() {
    let mut client = Client::new(0);
    assert_eq!(client.send(&["what"; 1000]).closing, None);
    assert_eq!(client.send(&["what"]).closing, Some(ClosingCode::TooManyErrors));
    client.now += Duration::from_secs(1);
    assert_eq!(client.send(&["what"; 50]).closing, None);
}
