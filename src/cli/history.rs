//! `history`: a baseline night by night, and the gate that confirms an alarm.

use super::args::{HistoryArgs, HistoryFormat};
use super::dispatch::emit;
use super::exit::Exit;
use super::load;
use super::printer::Printer;
use crate::app::{self, AppError, HistoryForm};
use crate::config::{Entry, Origin, Purpose};
use crate::document::v1::{AnswerOfPairs, HistoryDocument};
use crate::host::env;

/// `history`
pub(super) fn history(args: &HistoryArgs) -> Result<Exit, AppError> {
    let document = app::history(&args.ask(load::home(&args.baselines, args.store.as_deref())))?;
    let (document, interrupted) = match (args.confirm, args.gate.entries().is_empty()) {
        (true, _) => confirmed(args, document)?,
        (false, true) => (document, false),
        (false, false) => {
            return Err(AppError::usage(
                "settings of a gate mean nothing to a history alone",
                "add --confirm to gate tonight's build against the last good one",
            ));
        }
    };
    let form = match args.format {
        HistoryFormat::Table => HistoryForm::Table { colour: load::colour() },
        HistoryFormat::Markdown => HistoryForm::Markdown,
        HistoryFormat::Html => HistoryForm::Html,
        HistoryFormat::Json => HistoryForm::Json,
    };
    emit(&app::render_history(&document, form), args.output.as_deref())?;
    Ok(if interrupted { Exit::Interrupted } else { exit(&document) })
}

/// The code of tonight: an alarm stands until pairs refute it.
fn exit(document: &HistoryDocument) -> Exit {
    let answer = |wanted: Option<AnswerOfPairs>| {
        document.alarms().any(|(_, alarm)| alarm.pairs.as_ref().map(|pairs| pairs.answer) == wanted)
    };
    if answer(None) || answer(Some(AnswerOfPairs::Confirmed)) {
        Exit::GateFailed
    } else if answer(Some(AnswerOfPairs::Undecided)) {
        Exit::NotDecided
    } else {
        Exit::Success
    }
}

/// The history with what pairs of the last good build and tonight's say, and whether the user stopped them.
fn confirmed(args: &HistoryArgs, document: HistoryDocument) -> Result<(HistoryDocument, bool), AppError> {
    let Some(tolerances) = app::tolerances(&document) else {
        Printer::new(false, None).note("no alarm: there is nothing to confirm");
        return Ok((document, false));
    };
    let flag = |key: &'static str, text: &str| Entry::new(key, text, Origin::Flag(key.to_owned()));
    let own = vec![flag("tolerance", &tolerances), flag("save-baseline", "false")];
    let environment = env::vars();
    let resolved = app::settings(Purpose::Gate, [args.gate.entries(), own].concat(), environment.clone())?;
    app::confirms(&document, &resolved.plan)?;
    let judged = load::judge(&resolved, &environment, load::commit(&environment).as_deref())?;
    Ok((document.confirmed(&judged.document), judged.document.partial))
}
