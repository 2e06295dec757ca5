import Emulators
import Foundation
import Yams

/// An owner's policy in YAML: `maximum_verbatim_share: 0.6`. An unknown line is refused.
enum PolicyFile {
    /// Reads a policy.
    ///
    /// - Throws: `CommandFailure` naming the file and the line.
    static func read(_ path: String) throws -> ReleasePolicy {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("Cannot read the policy \(path); check the path.")
        }
        let lines = ReleasePolicy.keys.joined(separator: ", ")
        guard let values = (try? Yams.load(yaml: String(decoding: data, as: UTF8.self))) as? [String: Any],
            !values.isEmpty
        else { throw CommandFailure("The policy \(path) holds no lines; it may have \(lines).") }
        var numbers: [String: Double] = [:]
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            guard ReleasePolicy.keys.contains(key) else {
                throw CommandFailure("The policy \(path) has the unknown line \(key); it may have \(lines).")
            }
            guard let number = value as? Double ?? (value as? Int).map(Double.init), number.isFinite else {
                throw CommandFailure("The policy \(path): \(key) must be a number, such as 0.5.")
            }
            guard (0...1).contains(number) || !key.contains("share") && !key.contains("transfer") else {
                throw CommandFailure("The policy \(path): \(key) \(number) is no share; give a number between 0 and 1.")
            }
            numbers[key] = number
        }
        return try JSONDecoder().decode(ReleasePolicy.self, from: JSONEncoder().encode(numbers))
    }
}
