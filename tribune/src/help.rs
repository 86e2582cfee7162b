//! The command lines of `server` and `client`, as parts of `tribune`: only what they say of
//! themselves differs.

use clap::Command;

const ABOUT: &str =
    "Runs a game in which programs that print moves are players, and lets anyone watch or join";

const EXAMPLES: &str = "Examples:
  tribune                               the demonstration, again and again until Ctrl-C
  tribune watch                         watch the game, in a second terminal
  tribune play --name ann               join it
  tribune server --game snake           a game of snake
  tribune server try ./bot              check that your bot plays, and if not, why
  tribune server --bot ./bot --stay     a game with your bot, which goes on when it exits
  tribune server --game 'python3 games/rps.py' --lockstep
                                        a game whose rules are a program: docs/games.md
  tribune herd --mode watch -n 1000     a thousand spectators that check what they receive

Each command has its own --help.

Exit codes: 0 the game ended, or you left; 1 failed; 2 usage error; 3 the referee of a game failed; 130 interrupted";

/// The command line of the client, as that of `tribune`: it lists `server` too.
pub fn client(command: Command) -> Command {
    // What is behind `tribune server` does not come here.
    let server = Command::new("server")
        .about("Run a game, or the echo service: see `tribune server --help`")
        .display_order(0);
    renamed(command)
        .name("tribune")
        .bin_name("tribune")
        .about(ABOUT)
        .long_about(None)
        .override_usage("tribune [COMMAND] [OPTIONS]")
        .after_help(EXAMPLES)
        .subcommand(server)
}

/// The command line of the server, as that of `tribune server`.
pub fn server(command: Command) -> Command {
    renamed(command).bin_name("tribune server")
}

/// `command` with the names of the two programs replaced in the examples of its help, and in those of
/// its subcommands.
fn renamed(command: Command) -> Command {
    let command = match command.get_after_help().map(ToString::to_string) {
        Some(help) => command.after_help(renamed_examples(&help)),
        None => command,
    };
    command.mut_subcommands(renamed)
}

fn renamed_examples(help: &str) -> String {
    let names = [
        ("  client", "  tribune"),
        ("| client", "| tribune"),
        ("  server", "  tribune server"),
        ("`server", "`tribune server"),
        ("'server", "'tribune server"),
        ("  players-agent", "  tribune server players-agent"),
    ];
    names.iter().fold(help.to_owned(), |help, (from, to)| help.replace(from, to))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_example_names_another_program() {
        fn check(command: &Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let help = help.replace("tribune server", "");
            for wrong in ["  client ", "| client ", "  server", "`server", "'server"] {
                assert!(!help.contains(wrong), "{wrong:?} in the help of {}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&client(tribune_client::Args::command()));
        check(&server(tribune_server::Args::command()));
    }

    #[test]
    fn the_command_lines_are_well_formed() {
        client(tribune_client::Args::command()).debug_assert();
        server(tribune_server::Args::command()).debug_assert();
    }
}
