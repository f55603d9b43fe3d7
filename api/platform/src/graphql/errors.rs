//! How errors reach a client: refusals as `userErrors`, everything else as GraphQL errors with a code.

use async_graphql::{ErrorExtensions, SimpleObject};
use entities::values::{ErrorCode, Locale, Refusal, Refusals};

use crate::error::{Error, SharedError};

/// Why a mutation was refused (错误). A refused mutation changed nothing.
#[derive(Clone, Debug, SimpleObject)]
pub struct UserError {
    /// The code, for programs.
    code: ErrorCode,
    /// What is wrong, in the language asked for.
    message: String,
    /// Path of the input field that it speaks of; none when it speaks of the whole input.
    field: Option<Vec<String>>,
    /// Whether the same request may succeed after reading again or later.
    retryable: bool,
    /// The values that the message names.
    details: Vec<ErrorDetail>,
}

/// A value that an error's message names (错误详情).
#[derive(Clone, Debug, SimpleObject)]
pub struct ErrorDetail {
    /// Which value.
    name: String,
    /// The value as text.
    value: String,
}

impl UserError {
    /// The refusal as a client sees it.
    pub fn new(refusal: &Refusal, locale: &Locale) -> Self {
        Self {
            code: refusal.code,
            message: refusal.message(locale),
            field: (!refusal.field.is_empty()).then(|| refusal.field.clone()),
            retryable: refusal.code.retryable(),
            details: refusal
                .details
                .iter()
                .map(|(name, value)| ErrorDetail { name: name.clone().into_owned(), value: value.clone() })
                .collect(),
        }
    }

    /// All of them.
    pub fn all(refusals: &Refusals, locale: &Locale) -> Vec<Self> {
        refusals.iter().map(|refusal| Self::new(refusal, locale)).collect()
    }
}

/// Splits the result of an operation into what a mutation's payload holds: the value or the refusals.
/// What is no refusal stays an error of the whole field.
pub fn settle<T>(result: Result<T, Error>, locale: &Locale) -> async_graphql::Result<(Option<T>, Vec<UserError>)> {
    match result {
        Ok(value) => Ok((Some(value), Vec::new())),
        Err(Error::Refused(refusals)) => Ok((None, UserError::all(&refusals, locale))),
        Err(error) => Err(error.into()),
    }
}

// `Error` has no `Display`, so this is the only way from an operation's error to a client, and the
// cause of an accident ends here, in the log.
impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        (&error).into()
    }
}

impl From<SharedError> for async_graphql::Error {
    fn from(error: SharedError) -> Self {
        error.0.as_ref().into()
    }
}

impl From<&Error> for async_graphql::Error {
    fn from(error: &Error) -> Self {
        let (code, message) = match error {
            Error::Refused(refusals) => {
                let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                ("BAD_INPUT", all.join("; "))
            }
            Error::BadInput(message) => ("BAD_INPUT", message.clone()),
            Error::Unauthenticated => ("UNAUTHENTICATED", "this needs a valid token".into()),
            Error::Forbidden => ("FORBIDDEN", "this is not yours to do".into()),
            Error::Unavailable(cause) => {
                tracing::warn!(cause = %cause, "a tier is busy or away");
                ("UNAVAILABLE", "busy at the moment; the same request may succeed later".into())
            }
            Error::Internal(cause) => {
                tracing::error!(cause = %cause, "an operation failed");
                ("INTERNAL", "something went wrong on our side".into())
            }
        };
        Self::new(message).extend_with(|_, extensions| {
            extensions.set("code", code);
            if code == "UNAVAILABLE" {
                extensions.set("retryable", true);
            }
        })
    }
}

/// Declares the answer of a mutation: what it made, the client's own id, and the refusals.
#[macro_export]
macro_rules! payload {
    ($($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $type:ty })+) => {$(
        $(#[$doc])*
        #[derive(async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $(#[$field_doc])*
            $field: Option<$type>,
            /// The `clientMutationId` of the input.
            client_mutation_id: Option<String>,
            /// Why it was refused; empty when it was done.
            user_errors: Vec<$crate::graphql::UserError>,
        }

        impl $name {
            /// The answer that an operation's result makes.
            fn new(
                context: &async_graphql::Context<'_>,
                client_mutation_id: Option<String>,
                result: Result<$type, $crate::error::Error>,
            ) -> async_graphql::Result<Self> {
                let locale = $crate::graphql::ContextExt::locale(context);
                let ($field, user_errors) = $crate::graphql::errors::settle(result, locale)?;
                Ok(Self { $field, client_mutation_id, user_errors })
            }
        }
    )+};
}
