//! The games in `games/`, each played over TCP as with nc, and by a program.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use serde_json::{Value, json};
use tempfile::tempdir;
use tribune_tests::{Process, Server, eventually, program};

/// The command of a game in `games/`.
fn game(interpreter: &str, file: &str) -> String {
    format!("{interpreter} '{}/../games/{file}'", env!("CARGO_MANIFEST_DIR"))
}

/// The command of a bot in Bash that runs `body` for each line of the stream, which is in `line`.
fn bot(body: &str) -> String {
    format!("bash -c 'while read -r line; do case $line in {body} esac; done'")
}

/// The glyphs in the cells of the turns among `lines`.
fn drawn(lines: &[Value]) -> String {
    let turns = lines.iter().filter(|line| line["type"] == "turn");
    let cells = turns.flat_map(|turn| turn["cells"].as_array().into_iter().flatten());
    cells.map(|cell| cell[2].as_str().unwrap()).collect()
}

fn ranking(result: &Value) -> Vec<(&str, i64)> {
    let ranking = result["ranking"].as_array().unwrap().iter();
    ranking
        .map(|place| (place["name"].as_str().unwrap(), place["score"].as_i64().unwrap()))
        .collect()
}

fn is_turn(line: &Value) -> bool {
    line["type"] == "turn"
}

#[test]
fn rock_paper_scissors_in_lockstep() {
    let bot = bot(r#"*\"state\"* | *\"turn\":*) echo scissors bot ;;"#);
    let game = game("python3", "rps.py");
    let args = ["--game", &game, "--lockstep", "--turn", "60s", "--players", "2", "--rounds", "1"];
    let server = Server::start(&[&args[..], &["--script", "0:1", "--agent", &bot]].concat());
    let mut ann = server.join();
    assert_eq!(ann.welcome["rules"], "rock-paper-scissors");
    for turn in 1..=5 {
        ann.send("rock ann\n");
        let received = ann.until(is_turn);
        let choices: Vec<_> = received.iter().filter(|line| line["type"] == "action").collect();
        assert_eq!(choices.len(), 2, "both are sent when the turn closes: {received:?}");
        assert!(received.iter().all(|line| line["type"] != "error"), "{received:?}");
        let score = &received.last().unwrap()["scores"][0];
        assert_eq!(score[1], turn, "{received:?}");
    }
    let result = ann.wait_for(|line| line["type"] == "result");
    assert_eq!(ranking(&result), [("ann", 5), ("bot", 0)]);
    assert_eq!(ann.rest().pop().unwrap()["reason"], "1 round played");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn rock_paper_scissors_with_the_client_in_lockstep() {
    let game = game("python3", "rps.py");
    let args = ["--game", &game, "--lockstep", "--turn", "60s", "--players", "2"];
    let server = Server::start(&args);
    let mut ann = Process::start(&mut server.client(&["play", "--name", "ann"]));
    ann.type_in("rock\n");
    let mut bob = server.join();
    bob.send("paper bob\n");
    let received = bob.until(is_turn);
    let choices = received.iter().filter_map(|line| line["action"].as_str());
    assert_eq!(choices.collect::<BTreeSet<_>>(), BTreeSet::from(["paper", "rock"]));
    let finished = ann.finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    assert!(finished.out.iter().any(|line| line.contains("rock ann")), "{:?}", finished.out);
}

#[test]
fn life_with_the_client_refuses_every_action() {
    let server = Server::start(&["--game", &game("python3", "life.py"), "--turn", "10ms"]);
    let mut ann = Process::start(&mut server.client(&["play", "--name", "ann"]));
    ann.type_in("N\n");
    ann.wait_for_err(|line| line.contains("takes no actions"));
}

#[test]
fn rock_paper_scissors_by_the_clock_goes_on_when_a_player_leaves() {
    let server = Server::start(&["--game", &game("python3", "rps.py"), "--turn", "10ms"]);
    let (mut ann, mut bob) = (server.join(), server.join());
    ann.send("rock ann\nN ann\n");
    bob.send("paper bob\n");
    let received = ann.until(is_turn);
    assert!(
        received.iter().any(|line| line["code"] == "bad_action"),
        "N is no action: {received:?}"
    );
    let joined = received.iter().find(|line| line["type"] == "joined" && line["name"] == "bob");
    let bob_id = &joined.unwrap()["player"];
    assert_eq!(received.last().unwrap()["scores"], json!([[bob_id, 1]]));
    drop(bob);
    ann.wait_for(|line| line["type"] == "left");
    let mut cy = server.join();
    cy.send("paper cy\n");
    ann.wait_for(|line| line["type"] == "joined" && line["name"] == "cy");
    ann.send("scissors ann\n");
    ann.wait_for(|line| is_turn(line) && line["scores"].is_array());
}

/// Plays tic-tac-toe against a program, with lines that `connect` says how to send: as nc would, or
/// typed into the client.
fn tic_tac_toe_against_a_program(connect: impl Fn(&Server) -> Box<dyn FnMut(&str)>) {
    // It joins when ann has to wait for another player, and then plays 4, 5, 6.
    let bot = bot(r#"*has\ to\ wait*) echo 9 bot; n=4 ;; *,\"X\",*) echo $((n++)) bot ;;"#);
    let game = game("bash", "tictactoe.sh");
    let args = ["--game", &game, "--turn", "10ms", "--rounds", "1"];
    let server = Server::start(&[&args[..], &["--script", "0:1", "--agent", &bot]].concat());
    let mut spectator = server.join();
    assert_eq!(spectator.welcome["rules"], "tic-tac-toe");
    spectator.wait_for(|line| line["type"] == "started" && line["worker"] == 2);
    let mut ann = connect(&server);
    ann("9");
    spectator.wait_for(|line| is_turn(line) && line["notes"].to_string().contains("turn of bot"));
    for square in ["1", "2"] {
        ann(square);
        let received =
            spectator.until(|line| is_turn(line) && line["cells"].to_string().contains('O'));
        assert_eq!(drawn(&received), "XO");
    }
    ann("3");
    let result = spectator.wait_for(|line| line["type"] == "result");
    assert_eq!(ranking(&result), [("ann", 1), ("bot", 0)]);
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn tic_tac_toe_goes_on_when_players_act_without_end() {
    let game = game("bash", "tictactoe.sh");
    let server = Server::start(&["--game", &game, "--turn", "1s", "--move-rate", "0"]);
    let mut players = server.join();
    // The first of them waits for a second one, and the others for their turn.
    let line = |number| format!("5 player{}\n", number % 10);
    players.send((0..150).map(line).collect::<String>());
    let received = players.until(|line| is_turn(line) && line["notes"].is_array());
    let refused = received.iter().filter(|line| line["type"] == "error").count();
    assert_eq!(refused, 0, "16 actions of a player reach the referee in each turn");
    assert!(received.last().unwrap()["notes"].as_array().unwrap().len() <= 50);
}

#[test]
fn tic_tac_toe_over_tcp_against_a_program() {
    tic_tac_toe_against_a_program(|server| {
        let mut ann = server.join();
        Box::new(move |square| ann.send(format!("{square} ann\n")))
    });
}

#[test]
fn tic_tac_toe_with_the_client_against_a_program() {
    tic_tac_toe_against_a_program(|server| {
        let mut ann = Process::start(&mut server.client(&["play", "--name", "ann"]));
        Box::new(move |square| ann.type_in(&format!("{square}\n")))
    });
}

#[test]
fn tic_tac_toe_is_won_by_the_player_that_remains() {
    let server = Server::start(&["--game", &game("bash", "tictactoe.sh"), "--turn", "10ms"]);
    let (mut ann, mut bob) = (server.join(), server.join());
    ann.send("5 ann\n");
    ann.wait_for(|line| is_turn(line) && line["notes"].to_string().contains("has to wait"));
    bob.send("1 bob\n");
    ann.wait_for(|line| is_turn(line) && line["notes"].to_string().contains("bob plays O"));
    ann.send("5 ann\n");
    ann.wait_for(|line| is_turn(line) && line["cells"] == json!([[1, 1, "X", 1]]));
    drop(bob);
    let result = ann.wait_for(|line| line["type"] == "result");
    assert_eq!(ranking(&result), [("ann", 1)]);
    assert_eq!(ann.wait_for(|line| line["type"] == "round")["round"], 2);
}

#[test]
fn tic_tac_toe_ends_if_the_board_is_too_small() {
    let folder = tempdir().unwrap();
    // The game would end before a spectator joins.
    let wait = folder.path().join("referee.sh");
    let game = game("bash", "tictactoe.sh");
    fs::write(&wait, format!("sleep 0.1; exec {game}\n")).unwrap();
    let command = format!("bash '{}'", wait.display());
    let args = ["--listen", "127.0.0.1:0", "--game", &command, "--board", "2x2"];
    let mut server = Command::new(program("server"));
    let finished = Process::start(server.args(args)).finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    assert!(finished.out.iter().any(|line| line.contains("at least 3x3")), "{:?}", finished.out);
}

#[test]
fn life_is_played_without_players() {
    let bot = bot(r#"*\"state\"*) echo N bot ;;"#);
    let game = game("python3", "life.py");
    // The first round ends in a glider, which repeats itself only after 24 turns.
    let args = ["--game", &game, "--turn", "2ms", "--board", "6x6", "--rounds", "3", "--seed", "2"];
    let server = Server::start(&[&args[..], &["--script", "0:1", "--agent", &bot]].concat());
    let mut spectator = server.join();
    assert_eq!(spectator.welcome["rules"], "life");
    spectator.send("N ann\n");
    let lines = spectator.rest();
    let refused = lines.iter().find(|line| line["type"] == "error").unwrap();
    assert_eq!(refused["code"], "bad_action");
    let is_event = |name: &str| lines.iter().filter(|line| line["type"] == *name).count();
    assert_eq!((is_event("joined"), is_event("move")), (0, 0));
    assert!(drawn(&lines).contains('#'));
    assert_eq!(lines.last().unwrap()["reason"], "3 rounds played");
    assert_eq!(server.finish().code(), Some(0));
}

/// In lockstep, the line of a player that was late for a turn never counts for the next one. `actions` are
/// three that the game allows.
fn a_late_line_does_not_count(args: &[&str], actions: [&str; 3]) {
    let limit = Duration::from_secs(1).as_millis().to_string() + "ms";
    let server = Server::start(&[args, &["--lockstep", "--turn", &limit]].concat());
    let (mut ann, mut bob) = (server.join(), server.join());
    let [first, late, next] = actions;
    let acts = |line: &Value, name: &str, action: &str| {
        line["name"] == name && (line["action"] == action || line["direction"] == action)
    };
    // Bob is in the game, and does not act in a turn in which ann does.
    bob.send(format!("{first} bob\n"));
    bob.wait_for(|line| acts(line, "bob", first));
    ann.send(format!("{first} ann\n"));
    ann.wait_for(|line| acts(line, "ann", first));
    bob.send(format!("{late} bob\n"));
    let refusal = bob.wait_for(|line| line["type"] == "error" || acts(line, "bob", late));
    assert_eq!(refusal["code"], "bad_action", "{refusal}");
    assert!(refusal["message"].as_str().unwrap().contains("late"), "{refusal}");
    // On a slow machine more turns may have passed, or one is being played: then more lines are late.
    let received = eventually("bob acts again", || {
        bob.send(format!("{next} bob\n"));
        let line = bob.wait_for(|line| line["type"] == "error" || line["name"] == "bob");
        (line["type"] != "error").then_some(line)
    });
    assert!(acts(&received, "bob", next));
}

#[test]
fn a_late_line_does_not_count_with_built_in_rules() {
    a_late_line_does_not_count(&["--script", "", "--stay"], ["N", "E", "S"]);
}

#[test]
fn a_late_line_does_not_count_with_a_referee() {
    let game = game("python3", "rps.py");
    a_late_line_does_not_count(&["--game", &game], ["rock", "paper", "scissors"]);
}

/// The cells at the beginning of a game of snake, and the turns of a player that goes around in it.
fn turns_of_snake(game: &str) -> (Value, Vec<Value>) {
    let args = ["--game", game, "--lockstep", "--turn", "60s", "--seed", "5", "--script", ""];
    let server = Server::start(&[&args[..], &["--stay", "--players", "1"]].concat());
    let mut ann = server.join();
    // What has happened before is in the state or follows it.
    let first = match &ann.state["cells"] {
        Value::Null => ann.wait_for(is_turn)["cells"].clone(),
        cells => cells.clone(),
    };
    let turns = "EESSWWNNEEESSSWWWNNN".chars().map(|direction| {
        ann.send(format!("{direction} ann\n"));
        let mut turn = ann.wait_for(is_turn);
        for field in ["seq", "ms"] {
            turn.as_object_mut().unwrap().remove(field);
        }
        sorted(&turn)
    });
    let turns = turns.collect();
    (sorted(&first), turns)
}

/// `value` with its arrays sorted, the order of whose elements says nothing.
fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(cells) = value.get_mut("cells").and_then(Value::as_array_mut) {
        cells.sort_by_key(Value::to_string);
    } else if let Some(cells) = value.as_array_mut() {
        cells.sort_by_key(Value::to_string);
    }
    value
}

#[test]
fn snake_in_python_is_played_by_a_program_and_with_the_client() {
    let game = game("python3", "snake.py");
    let bot = format!("'{}' players-agent snake --skill 2", program("server").display());
    let server = Server::start(&["--game", &game, "--turn", "20ms", "--bot", &bot]);
    let mut spectator = server.join();
    assert_eq!(spectator.welcome["rules"], "snake");
    let mut ann = Process::start(&mut server.client(&["play", "--name", "ann"]));
    ann.type_in("n\n");
    let finished = ann.finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    assert!(finished.out.iter().any(|line| line.contains("N ann")), "{:?}", finished.out);
    // The program has eaten.
    spectator.wait_for(|line| is_turn(line) && line["scores"].is_array());
}

#[test]
fn snake_in_python_is_the_built_in_snake() {
    let built_in = turns_of_snake("snake");
    assert_eq!(turns_of_snake(&game("python3", "snake.py")), built_in);
    assert_eq!(built_in.1.len(), 20);
}
