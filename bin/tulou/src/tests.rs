use clap::CommandFactory;

use super::Arguments;

/// A second `--version` or a name given twice shows only when somebody runs that command.
#[test]
fn no_command_has_an_option_twice() {
    Arguments::command().debug_assert();
}
