//! [`check_operand`]: whether an operator can match with an operand.

use super::clause::Operator;
use super::problem::Defect;
use crate::text::Text;
use crate::value::Value;

/// Checks whether a clause with this operator can match because of this operand, for tools that
/// check flag data. The reader of flags ignores an operand that cannot.
///
/// ```
/// use vexil_eval::model::{Defect, check_operand};
///
/// assert_eq!(check_operand("semVerEqual", &"1.2".into()), Ok(()));
/// assert!(matches!(check_operand("semVerEqual", &"v1.2".into()), Err(Defect::Operand { .. })));
/// assert!(matches!(check_operand("matches", &"(?=a)".into()), Err(Defect::Pattern { .. })));
/// assert!(matches!(check_operand("near", &1.into()), Err(Defect::Operator { .. })));
/// ```
///
/// # Errors
/// Returns [`Defect::Operator`] if the operator is unknown, [`Defect::Pattern`] if the operand is a
/// string but no valid regular expression, and [`Defect::Operand`] if it is of the wrong type, no
/// date or no version.
pub fn check_operand(op: &str, operand: &Value) -> Result<(), Defect> {
    match Operator::of_operand(&Text::from(op), operand) {
        Ok(_) => Ok(()),
        Err(Some(defect)) => Err(defect),
        Err(None) => Err(Defect::Operand {
            value: operand.clone(),
        }),
    }
}
