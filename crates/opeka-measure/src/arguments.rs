//! Named arguments of our functions, where a call leaves out some that stand between.
//!
//! The engine resolves names by position and lets only the last parameters be left out:
//! `mann_kendall(rate, year, status => obs_status)` would be refused because `method` is missing.
//! Here the defaults of what was left out are put into the call before it is planned.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// Completes all calls of our functions in a statement.
pub(crate) fn complete(statement: &mut Statement) {
    match statement {
        Statement::Explain(explain) => complete(&mut explain.statement),
        Statement::Statement(statement) => {
            let _: ControlFlow<()> = visit_expressions_mut(statement.as_mut(), |expression| {
                if let Expr::Function(function) = expression {
                    complete_call(function);
                }
                ControlFlow::Continue(())
            });
        }
        _ => {}
    }
}

/// A call that cannot be completed stays as it is: the engine says what is wrong with it.
fn complete_call(function: &mut Function) {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &mut function.args else { return };
    if !list.args.iter().any(|arg| matches!(arg, FunctionArg::Named { .. })) {
        return;
    }
    let Some(parameters) = opeka_functions::parameters_of(&name) else { return };
    let mut slots: Vec<Option<FunctionArgExpr>> = vec![None; parameters.len()];
    for (position, arg) in list.args.iter().enumerate() {
        let (position, arg) = match arg {
            FunctionArg::Unnamed(arg) => (Some(position), arg),
            FunctionArg::Named { name, arg, .. } => {
                let same = |known: &str| match name.quote_style {
                    Some(_) => known == name.value,
                    None => known.eq_ignore_ascii_case(&name.value),
                };
                (parameters.iter().position(|(known, _)| same(known)), arg)
            }
            FunctionArg::ExprNamed { .. } => return,
        };
        match position.and_then(|position| slots.get_mut(position)) {
            Some(slot @ None) => *slot = Some(arg.clone()),
            _ => return,
        }
    }
    let given = slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let mut complete = Vec::with_capacity(given);
    for (slot, (_, default)) in slots.into_iter().zip(parameters).take(given) {
        let default = || default.as_deref().and_then(literal).map(FunctionArgExpr::Expr);
        let Some(arg) = slot.or_else(default) else { return };
        complete.push(FunctionArg::Unnamed(arg));
    }
    list.args = complete;
}

fn literal(text: &str) -> Option<Expr> {
    Parser::new(&GenericDialect {}).try_with_sql(text).ok()?.parse_expr().ok()
}
