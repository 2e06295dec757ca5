import COpenSSL

/// Why OpenSSL refused; carries OpenSSL's own text.
public struct OpenSSLError: Error, Equatable, CustomStringConvertible {
    /// What was being done, as it reads after "Cannot": `"verify the CMS signature"`.
    public let operation: String
    /// OpenSSL's reason, or ours where a check is stricter than OpenSSL's.
    public let reason: String

    /// One sentence.
    public var description: String {
        "Cannot \(operation): \(reason)."
    }

    init(_ operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    /// Takes the reasons from this thread's error queue and empties it.
    init(_ operation: String) {
        var reasons = [String]()
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            var text = [CChar](repeating: 0, count: 256)
            if let reason = ERR_reason_error_string(code) {
                reasons.append(String(cString: reason))
            } else {
                ERR_error_string_n(code, &text, text.count)
                reasons.append(text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
            }
        }
        self.init(operation, reason: reasons.isEmpty ? "OpenSSL gives no reason" : reasons.joined(separator: ", "))
    }
}
