//! Bundles of certificates: PKCS#7 signedData (RFC 2315, BER), bare DER, and PEM under any label.
