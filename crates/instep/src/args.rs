//! What a person may type. What it means is decided elsewhere.

mod service;
mod trouble;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use service::{Install, ServiceCommand};

/// The heading above the flags that every command takes.
const EVERYWHERE: &str = "Everywhere";

/// Keeps your tasks in step: Taskwarrior, Vikunja and plain files through one hub.
#[derive(Debug, Parser)]
#[command(
    name = "instep",
    version,
    about,
    disable_help_subcommand = false,
    max_term_width = 80,
    before_help = "Example: instep init && instep sync"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes; a command's own come before them.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Answer in JSON.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 101)]
    pub(crate) json: bool,
    /// Say only what failed.
    #[arg(short, long, global = true, help_heading = EVERYWHERE, display_order = 102)]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, help_heading = EVERYWHERE, display_order = 103, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to colour: auto, always or never.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 104, value_enum, default_value_t = Color::Auto, value_name = "WHEN", hide_possible_values = true, hide_default_value = true)]
    pub(crate) color: Color,
    /// No progress bar.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 105)]
    pub(crate) no_progress: bool,
    /// Never ask; say which flag answers instead.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 106)]
    pub(crate) no_input: bool,
    /// Answer every question with yes.
    #[arg(short, long, global = true, help_heading = EVERYWHERE, display_order = 107)]
    pub(crate) yes: bool,
    /// Another config file.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 108, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How long to wait for an account that another instance runs, such as 10s.
    #[arg(long, global = true, help_heading = EVERYWHERE, display_order = 109, value_name = "SPAN")]
    pub(crate) timeout: Option<String>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sets Instep up; safe to run again, it only adds.
    #[command(before_help = "Example: instep init --yes")]
    Init(Init),
    /// Adds, lists and changes accounts.
    #[command(
        subcommand,
        before_help = "Example: instep account add file --path ~/tasks.json"
    )]
    Account(AccountCommand),
    /// Brings all accounts in step.
    #[command(before_help = "Example: instep sync -n")]
    Sync(Sync),
    /// One line per account, then what needs you.
    #[command(before_help = "Example: instep status --watch")]
    Status(trouble::Status),
    /// Lists tasks of the hub.
    #[command(before_help = "Example: instep list --project Home")]
    List(List),
    /// Adds a task to the hub.
    #[command(before_help = "Example: instep add 'Call the bank' --due tomorrow --tag phone")]
    Add(Add),
    /// Shows one task, and where it lives.
    #[command(before_help = "Example: instep show 3f2a")]
    Show(Id),
    /// Completes a task.
    #[command(before_help = "Example: instep done 3f2a")]
    Done(Id),
    /// Changes a task.
    #[command(before_help = "Example: instep edit 3f2a --due 2026-11-27 --untag phone")]
    Edit(Edit),
    /// Deletes a task, everywhere at the next sync.
    #[command(before_help = "Example: instep rm 3f2a")]
    Rm(Id),
    /// Brings back what vanished from an account and is on hold.
    #[command(before_help = "Example: instep restore --collection vikunja")]
    Restore(Restore),
    /// Finds out anew which task is which, where pairs were lost or mixed up.
    #[command(before_help = "Example: instep repair vikunja")]
    Repair(trouble::Repair),
    /// Tries again what was refused.
    #[command(before_help = "Example: instep retry vikunja --parked")]
    Retry(trouble::Retry),
    /// Runs the daemon, which carries each change at once.
    #[command(before_help = "Example: instep serve")]
    Serve(Serve),
    /// What was changed, when, and why.
    #[command(before_help = "Example: instep log --since 2h")]
    Log(Log),
    /// Values that stood against each other.
    #[command(before_help = "Example: instep conflicts resolve c3f2 --keep hub")]
    Conflicts(Conflicts),
    /// Carries one task to the others now.
    #[command(before_help = "Example: instep push 3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10")]
    Push(Id),
    /// Takes one item of an account now.
    #[command(before_help = "Example: instep pull vikunja 42")]
    Pull(Pull),
    /// Lets services tell at once what changed there.
    #[command(
        subcommand,
        before_help = "Example: instep webhook install --public-url https://tasks.example.org"
    )]
    Webhook(WebhookCommand),
    /// Leaves an account alone, or all of them; edits in the hub wait for it.
    #[command(before_help = "Example: instep pause vikunja --for 2h")]
    Pause(Pause),
    /// Ends the pause of an account, or of all.
    #[command(before_help = "Example: instep resume vikunja")]
    Resume(Resume),
    /// Makes one call that changes nothing, and says how long the answer took.
    #[command(before_help = "Example: instep ping vikunja")]
    Ping(Name),
    /// What an account can hold, field by field.
    #[command(before_help = "Example: instep map vikunja")]
    Map(Name),
    /// Lets Taskwarrior tell at once which tasks a command changed.
    #[command(subcommand, before_help = "Example: instep hook install")]
    Hook(HookCommand),
    /// Finds what is wrong, each with the command that mends it.
    #[command(
        visible_alias = "diagnose",
        before_help = "Example: instep doctor --offline"
    )]
    Doctor(trouble::Doctor),
    /// Gathers what helps to find a fault; no secret and no text of a task is in it.
    #[command(before_help = "Example: instep bugreport --out report.txt")]
    Bugreport(trouble::Bugreport),
    /// Shows and changes the config.
    #[command(subcommand, before_help = "Example: instep config check")]
    Config(ConfigCommand),
    /// Keeps everything in step by itself: a service of your own systemd.
    #[command(subcommand, before_help = "Example: instep service install")]
    Service(ServiceCommand),
    /// Prints completions for a shell.
    #[command(
        before_help = "Example: instep completions fish > ~/.config/fish/completions/instep.fish"
    )]
    Completions(Completions),
    /// Prints the version.
    #[command(before_help = "Example: instep version --json")]
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The time zone that days are meant in, such as Europe/Berlin; the computer's by default.
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Set up no service. Without this, init offers one where your own systemd runs, and with
    /// --yes sets it up there; where none runs, it goes on without.
    #[arg(long)]
    pub(crate) no_service: bool,
    /// Leave Taskwarrior's hooks alone; `instep hook install` sets ours up later.
    #[arg(long)]
    pub(crate) no_hook: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to answer over HTTP, such as 127.0.0.1:7117; empty for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Adds an account, after trying it.
    #[command(
        subcommand,
        before_help = "Example: instep account add vikunja --url URL --secret-file FILE"
    )]
    Add(AddKind),
    /// Lists accounts.
    #[command(before_help = "Example: instep account list")]
    List,
    /// Shows one account.
    #[command(before_help = "Example: instep account show vikunja")]
    Show(Name),
    /// Gives an account a new secret, after trying it.
    #[command(
        before_help = "Example: instep account login vikunja --secret-file token",
        override_usage = "instep account login [OPTIONS] NAME \\\n           --secret-file FILE | --secret-env VAR | --secret-command CMD"
    )]
    Login(Login),
    /// Gives an account another name; all that is known of it stays.
    #[command(before_help = "Example: instep account rename tw work")]
    Rename(Rename),
    /// Removes an account; its pairs are remembered for 90 days.
    #[command(before_help = "Example: instep account remove shared")]
    Remove(Remove),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AddKind {
    /// A Taskwarrior database on this computer.
    #[command(before_help = "Example: instep account add taskwarrior --taskrc ~/.taskrc")]
    Taskwarrior(AddTaskwarrior),
    /// A Vikunja server.
    #[command(
        before_help = "Example: instep account add vikunja --url URL --secret-file token",
        override_usage = "instep account add vikunja [OPTIONS] --url URL \\\n           --secret-file FILE | --secret-env VAR | --secret-command CMD"
    )]
    Vikunja(AddVikunja),
    /// A file of tasks.
    #[command(before_help = "Example: instep account add file --name shared --path ~/tasks.json")]
    File(AddFile),
}

#[derive(Debug, Args)]
pub(crate) struct AddTaskwarrior {
    /// Its configuration file.
    #[arg(long, value_name = "FILE")]
    pub(crate) taskrc: Option<PathBuf>,
    /// The program, where it is not the `task` of PATH.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) scope: AddScope,
}

#[derive(Debug, Args)]
pub(crate) struct AddVikunja {
    /// The server's address.
    #[arg(long)]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) secret: Secret,
    #[command(flatten)]
    pub(crate) scope: AddScope,
}

#[derive(Debug, Args)]
pub(crate) struct AddFile {
    /// The file.
    #[arg(long, value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// How it is written.
    #[arg(long, default_value = "json")]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) scope: AddScope,
}

/// What every kind of account takes.
#[derive(Debug, Args)]
pub(crate) struct AddScope {
    /// What you call it.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Which way changes travel: both, to-remote or from-remote.
    #[arg(long, default_value = "both")]
    pub(crate) direction: String,
    /// Only tasks in this project or below; may be given again.
    #[arg(long, value_name = "PATH")]
    pub(crate) project: Vec<String>,
    /// Only tasks with this tag; may be given again.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// No task with this tag; may be given again.
    #[arg(long, value_name = "TAG")]
    pub(crate) not_tag: Vec<String>,
}

/// Where the secret comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Secret {
    /// The first line of a file that only you can read.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// An environment variable.
    #[arg(long, value_name = "VAR")]
    pub(crate) secret_env: Option<String>,
    /// The first line that a command prints.
    #[arg(long, value_name = "CMD")]
    pub(crate) secret_command: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The account.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) secret: Secret,
}

#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// The account.
    pub(crate) old: String,
    /// What it is called from now on.
    pub(crate) new: String,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The account.
    pub(crate) name: String,
    /// Forget its pairs at once.
    #[arg(long)]
    pub(crate) forget: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The account.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Only this account.
    pub(crate) account: Option<String>,
    /// For so long: 30m, 2h, 7d; until you resume it otherwise.
    #[arg(long = "for", value_name = "SPAN")]
    pub(crate) span: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Only this account.
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Only these accounts.
    pub(crate) accounts: Vec<String>,
    /// Say what would happen, write nothing.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: exit with 10 when there are changes, those that wait for your word too.
    #[arg(long, requires = "dry_run")]
    pub(crate) exit_code: bool,
    /// Look at everything, not only at what seems to have changed, and try again whatever was refused.
    #[arg(long)]
    pub(crate) full: bool,
    /// Permit up to so many deletions.
    #[arg(long, value_name = "N")]
    pub(crate) max_delete: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Closed tasks too.
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Only this project and below.
    #[arg(long, value_name = "PATH")]
    pub(crate) project: Option<String>,
    /// Only with this tag.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Only tasks of this account.
    #[arg(long)]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What is to be done.
    pub(crate) title: String,
    /// Carry it to this account at once.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) to: Option<String>,
    /// Its project, such as Home.Garden.
    #[arg(long, value_name = "PATH")]
    pub(crate) project: Option<String>,
    /// A tag; may be given again.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// 0 none … 5 do now.
    #[arg(long, value_name = "0-5")]
    pub(crate) priority: Option<u32>,
    /// When: 2026-11-27, '2026-11-27 09:00', tomorrow, friday, +3d.
    #[arg(long, value_name = "WHEN")]
    pub(crate) due: Option<String>,
    /// Notes, in Markdown.
    #[arg(long)]
    pub(crate) notes: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The task: any unique beginning of its id, of four or more characters.
    pub(crate) id: String,
    /// A new title.
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// A new due date, or none.
    #[arg(long, value_name = "WHEN")]
    pub(crate) due: Option<String>,
    /// 0 none … 5 do now.
    #[arg(long, value_name = "0-5")]
    pub(crate) priority: Option<u32>,
    /// A tag to add; may be given again.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// A tag to take away; may be given again.
    #[arg(long, value_name = "TAG")]
    pub(crate) untag: Vec<String>,
    /// Another project; '' for none.
    #[arg(long, value_name = "PATH")]
    pub(crate) project: Option<String>,
    /// New notes, in Markdown.
    #[arg(long)]
    pub(crate) notes: Option<String>,
    /// open, blocked, done or cancelled.
    #[arg(long)]
    pub(crate) status: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Id {
    /// The task: any unique beginning of its id, of four or more characters.
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// The account.
    pub(crate) account: String,
    /// The item's id there: for Taskwarrior any unique beginning of four or more characters, for
    /// Vikunja also the address of its page.
    pub(crate) remote_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The account; with a project behind a slash only what was in that and below.
    #[arg(long, value_name = "ACCOUNT[/PROJECT]")]
    pub(crate) collection: String,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Not older than this: 30m, 2h, 7d.
    #[arg(long, value_name = "SPAN")]
    pub(crate) since: Option<String>,
    /// Only this task.
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Only this account.
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// At most this many lines.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Only this operation: any unique beginning of its id, of four or more characters.
    #[arg(long, value_name = "OP")]
    pub(crate) op: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Conflicts {
    #[command(subcommand)]
    pub(crate) command: Option<ConflictCommand>,
    /// Those that you decided too.
    #[arg(short, long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConflictId {
    /// The conflict or review: any unique beginning of its id, of four or more characters.
    pub(crate) id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConflictCommand {
    /// Lists them.
    #[command(before_help = "Example: instep conflicts list --all")]
    List {
        /// Those that you decided too.
        #[arg(short, long)]
        all: bool,
    },
    /// Shows one, and what each side holds.
    #[command(before_help = "Example: instep conflicts show c3f2")]
    Show(ConflictId),
    /// Decides one, or takes back what a policy decided.
    #[command(before_help = "Example: instep conflicts resolve c3f2 --keep vikunja")]
    Resolve {
        /// The conflict or review: any unique beginning of its id, of four or more characters.
        id: String,
        /// Whose value counts: hub, the name of an account, newest, or both (title and notes).
        #[arg(long, required_unless_present = "same_as")]
        keep: Option<String>,
        /// The other review that is about the same task: the two become one.
        #[arg(long, value_name = "ID", conflicts_with = "keep")]
        same_as: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Puts the on-exit hook in place, or mends it; other hooks are left alone.
    #[command(before_help = "Example: instep hook install")]
    Install(OfTaskwarrior),
    /// Takes the hook away.
    #[command(before_help = "Example: instep hook uninstall")]
    Uninstall(OfTaskwarrior),
    /// Says how the hook stands.
    #[command(before_help = "Example: instep hook status")]
    Status(OfTaskwarrior),
}

#[derive(Debug, Args)]
pub(crate) struct OfTaskwarrior {
    /// Only this Taskwarrior account.
    pub(crate) account: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Registers webhooks on every project; safe to run again, it mends.
    #[command(
        before_help = "Example: instep webhook install vikunja --public-url https://tasks.example.org"
    )]
    Install {
        /// The account; all that can have webhooks by default.
        account: Option<String>,
        /// Where services reach this computer; they post to URL/hooks/ACCOUNT.
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        /// Sign with another secret from now on.
        #[arg(long)]
        rotate: bool,
    },
    /// Shows which webhooks there are.
    #[command(before_help = "Example: instep webhook list")]
    List {
        /// The account; all that can have webhooks by default.
        account: Option<String>,
    },
    /// Removes Instep's webhooks; changes arrive by polling then.
    #[command(before_help = "Example: instep webhook remove vikunja")]
    Remove {
        /// The account; all that can have webhooks by default.
        account: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Opens the config in your editor and checks it before it counts.
    #[command(before_help = "Example: EDITOR=nano instep config edit")]
    Edit,
    /// Checks the config.
    #[command(before_help = "Example: instep config check")]
    Check,
    /// Prints the config.
    #[command(before_help = "Example: instep config show")]
    Show,
    /// Prints where the config is.
    #[command(before_help = "Example: instep config path")]
    Path,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
