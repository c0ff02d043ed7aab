//! Things that several protocols carry: certificates, bundles of them, tokens of NTLM and SPNEGO, BER, dates, heads. Pure:
//! bytes in, values out.

pub mod ber;
pub mod date;
pub mod heads;
pub(crate) mod memo;
pub mod names;
pub mod ntlm;
pub mod pkcs7;
pub mod revocation;
pub mod signature;
pub mod spnego;
pub mod x509;
