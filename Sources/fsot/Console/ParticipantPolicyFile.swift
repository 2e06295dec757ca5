import AtomicFiles
import Federation
import Foundation
import Yams

/// A data holder's `policy.yaml`: what it demands of a federation. An unknown line is refused.
enum ParticipantPolicyFile {
    /// The policy that was named, else `policy.yaml` beside the identity, else one that demands what SA1 itself does.
    ///
    /// - Throws: as ``read(_:)``.
    static func own(named path: String?, identity: String) throws -> ParticipantPolicy {
        if let path { return try read(path) }
        let beside = AtomicFile.directory(of: identity) + "/policy.yaml"
        return FileManager.default.fileExists(atPath: beside) ? try read(beside) : ParticipantPolicy()
    }

    /// Reads a policy.
    ///
    /// - Throws: `CommandFailure` naming the file and the line.
    static func read(_ path: String) throws -> ParticipantPolicy {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("Cannot read the policy \(path); check the path.")
        }
        let lines = ParticipantPolicy.keys.joined(separator: ", ")
        guard let values = (try? Yams.load(yaml: String(decoding: data, as: UTF8.self))) as? [String: Any],
            !values.isEmpty
        else { throw CommandFailure("The policy \(path) holds no lines; it may have \(lines).") }
        var policy = ParticipantPolicy()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            func number(_ range: ClosedRange<Double>) throws -> Double {
                guard let number = value as? Double ?? (value as? Int).map(Double.init), range.contains(number) else {
                    throw CommandFailure(
                        "The policy \(path): \(key) must be a number from \(range.lowerBound) to \(range.upperBound)."
                    )
                }
                return number
            }
            switch key {
            case "minimum_cohort": policy.minimumCohort = Int(try number(3...128))
            case "threshold": policy.threshold = try number(0.5...1)
            case "clip": policy.clip = try number(1e-9...1e9)
            case "noise": policy.noise = try number(0...1e6)
            case "maximum_rounds": policy.maximumRounds = Int(try number(1...1e9))
            case "weights":
                guard let flag = value as? Bool else {
                    throw CommandFailure("The policy \(path): weights must be true or false.")
                }
                policy.weights = flag
            default:
                throw CommandFailure("The policy \(path) has the unknown line \(key); it may have \(lines).")
            }
        }
        return policy
    }
}
