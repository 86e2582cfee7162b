//! The referees of `docs/games.md` work as printed.

use std::{fs, path::Path, process::Command};

use serde_json::json;
use tempfile::{TempDir, tempdir};
use tribune_tests::{Process, Server};

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/games.md");

/// The code blocks in `language`.
fn blocks(language: &str) -> Vec<String> {
    let doc = fs::read_to_string(DOC).unwrap();
    let fence = format!("```{language}\n");
    let blocks = doc.split(&fence).skip(1);
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
    let server = serve(folder.path(), &[]);
    let mut ann = server.join();
    assert_eq!(ann.welcome["rules"], "paint");
    ann.send("E ann\n");
    let turn = ann.wait_for(|line| line["type"] == "turn" && line["cells"].is_array());
    assert_eq!(turn["cells"], json!([[17, 8, "a", 1]]));
    assert_eq!(turn["scores"], json!([[1, 1]]));
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
