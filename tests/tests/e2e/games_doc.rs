//! The referees of `docs/games.md` work as printed.

use std::{fs, path::Path, process::Command};

use serde_json::json;
use tempfile::{TempDir, tempdir};
use tribune_tests::{Process, Server};

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/games.md");

/// The code blocks in `language`.
fn blocks(language: &str) -> Vec<String> {
    let doc = fs::read_to_string(DOC).unwrap();
    let blocks = doc.split(&format!("```{language}\n")).skip(1);
    blocks.map(|block| block.split_once("```").unwrap().0.to_owned()).collect()
}

/// A folder with `paint.py`, which is the `index`-th version of the page.
fn paint(index: usize) -> TempDir {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("paint.py"), &blocks("python")[index]).unwrap();
    folder
}

fn serve(folder: &Path, args: &[&str]) -> Server {
    let game = format!("python3 '{}'", folder.join("paint.py").display());
    Server::start(&[&["--game", &game, "--turn", "10ms"], args].concat())
}

#[test]
fn empty_game_can_be_joined() {
    let folder = paint(0);
    let server = serve(folder.path(), &[]);
    let mut ann = server.join();
    assert_eq!(ann.welcome["rules"], "paint.py");
    ann.send("N ann\n");
    ann.wait_for(|line| line["type"] == "move" && line["name"] == "ann");
}

#[test]
fn paint_is_played() {
    let folder = paint(1);
    let server = serve(folder.path(), &["--script", "0:1,0:2", "--turns", "50"]);
    let mut ann = server.join();
    assert_eq!(ann.welcome["rules"], "paint");
    ann.send("E ann\n");
    let joined = ann.wait_for(|line| line["type"] == "joined" && line["name"] == "ann");
    let id = &joined["player"];
    let painted = |line: &serde_json::Value| {
        let cells = line["cells"].as_array().into_iter().flatten();
        cells.into_iter().any(|cell| *cell == json!([17, 8, "a", id]))
    };
    ann.wait_for(painted);
    let result = ann.wait_for(|line| line["type"] == "result");
    let ranking = result["ranking"].as_array().unwrap();
    assert!(ranking.iter().any(|place| place["name"] == "ann" && place["score"] == 1), "{result}");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn referee_is_tried_by_hand_as_shown() {
    let folder = paint(1);
    let console = &blocks("console")[0];
    let (command, want) = console.strip_prefix("$ ").unwrap().split_once('\n').unwrap();
    let mut bash = Command::new("bash");
    let finished = Process::start(bash.args(["-c", command]).current_dir(folder.path())).finish();
    assert_eq!(finished.out, want.lines().collect::<Vec<_>>());
    assert!(finished.err.is_empty(), "{:?}", finished.err);
}

/// The limits of the page are those of the server.
#[test]
fn command_line_is_valid() {
    let line = &blocks("sh")[0];
    let words = shell_words(line.trim());
    let mut server = Command::new(tribune_tests::program("tribune"));
    let finished = Process::start(server.args(&words[1..]).args(["--listen", "nowhere"])).finish();
    assert!(finished.err[0].contains("nowhere"), "{:?}", finished.err);
}

/// The words of `line`, some of which are in double quotation marks.
fn shell_words(line: &str) -> Vec<&str> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect()
}
