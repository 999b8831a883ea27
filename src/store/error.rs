/// Why a store did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached; nothing was done. Try again.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// It may or may not have been done. Look before trying again.
    #[error("the outcome in storage is unknown: {0}")]
    Unknown(String),
    /// The database understood and said no. Trying again will not help.
    #[error("storage refused: {0}")]
    Refused(String),
}

/// What a store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
