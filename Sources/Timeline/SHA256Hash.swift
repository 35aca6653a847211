internal import CCrypto

/// SHA-256 (FIPS 180-4) of bytes that come bit by bit, computed by the system's libcrypto.
///
/// A library of the system and not one built from source: that took a third of the time of every build from scratch (100 s
/// of processor time for two uses).
@safe public struct SHA256Hash: ~Copyable {
    private let context: OpaquePointer

    /// The hash of nothing.
    public init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256: no memory, or a policy that forbids it")
        }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Adds bytes.
    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { bytes in
            // An empty buffer may have no address.
            guard let start = bytes.baseAddress else { return }
            let isAdded = unsafe EVP_DigestUpdate(context, start, bytes.count) == 1
            precondition(isAdded, "libcrypto did not take bytes to hash")
        }
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) { update(unsafe bytes.span.bytes) }

    /// The digest of everything so far, 32 bytes; more may be added afterwards.
    public func digest() -> [UInt8] {
        guard let copy = unsafe EVP_MD_CTX_new(), unsafe EVP_MD_CTX_copy_ex(copy, context) == 1 else {
            preconditionFailure("libcrypto has no memory for a digest")
        }
        defer { unsafe EVP_MD_CTX_free(copy) }
        return unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            let isDone = unsafe EVP_DigestFinal_ex(copy, buffer.baseAddress, nil) == 1
            precondition(isDone, "libcrypto gave no digest")
            count = 32
        }
    }
}
