import Audit
import Foundation
import Yams

/// Attack suites in YAML.
enum SuiteFile {
    /// Reads and validates a suite.
    ///
    /// - Throws: `AuditError`, or `CommandFailure` naming the file and the key.
    static func read(_ path: String) throws -> AttackSuite {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("Cannot read the suite \(path); check the path (Attacks/ holds suites).")
        }
        do {
            return try YAMLDecoder().decode(AttackSuite.self, from: data)
        } catch let error as AuditError {
            throw error
        } catch let error as DecodingError {
            if case .dataCorrupted(let context) = error, let cause = context.underlyingError as? AuditError {
                throw cause
            }
            throw CommandFailure(
                "The suite \(path) cannot be used: \(reason(of: error)); Attacks/quick.yaml shows the keys."
            )
        }
    }

    /// One line of what the decoder found; its own text spans several and quotes the file.
    private static func reason(of error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty ? "the file" : context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(place(context)) lacks \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(place(context)) is of the wrong kind"
        case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not valid YAML"
        case .dataCorrupted(let context): "\(place(context)) is of the wrong kind"
        @unknown default: "it is damaged"
        }
    }
}
