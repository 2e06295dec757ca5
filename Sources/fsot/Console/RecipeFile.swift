import Emulators
import Foundation
import Yams

/// An emulator recipe in YAML; every key is optional, an unknown one is refused.
struct RecipeFile {
    private let path: String
    private let values: [String: Any]

    static func read(_ path: String) throws -> RecipeFile {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("Cannot read the recipe \(path); check the path (Emulators/ holds recipes).")
        }
        let document: Any?
        do {
            document = try Yams.load(yaml: String(decoding: data, as: UTF8.self))
        } catch {
            throw CommandFailure(
                "The recipe \(path) is not valid YAML; correct it (Emulators/README.md lists the keys)."
            )
        }
        guard let values = document as? [String: Any] else {
            throw CommandFailure("The recipe \(path) holds no keys; see Emulators/README.md.")
        }
        return RecipeFile(path: path, values: values)
    }

    /// Whether the recipe has this key.
    func names(_ key: String) -> Bool { values[key] != nil }

    func apply(to request: inout CompressionRequest) throws {
        try refuseUnknown(
            values,
            known: ["bottom", "top", "keep", "selection", "thinning", "distillation"],
            prefix: ""
        )
        request.bottom = try integer(values, "bottom") ?? request.bottom
        request.top = try integer(values, "top") ?? request.top
        request.keep = try number(values, "keep") ?? request.keep
        request.selection = try choice(values, "selection") ?? request.selection
        if let inner = try section("thinning") { try apply(thinning: inner, to: &request.thinning) }
        if let inner = try section("distillation") { try apply(distillation: inner, to: &request.distillation) }
    }

    private func section(_ key: String) throws -> [String: Any]? {
        guard let entry = values[key] else { return nil }
        guard let inner = entry as? [String: Any] else { throw failure(key, "holds no keys") }
        return inner
    }

    private func apply(thinning inner: [String: Any], to thinning: inout Thinning) throws {
        try refuseUnknown(
            inner,
            known: ["feed_forward", "attention", "refit", "calibration_tokens"],
            prefix: "thinning."
        )
        thinning.feedForward = try number(inner, "feed_forward") ?? thinning.feedForward
        thinning.attention = try number(inner, "attention") ?? thinning.attention
        thinning.refits = try flag(inner, "refit") ?? thinning.refits
        thinning.calibrationTokens = try integer(inner, "calibration_tokens") ?? thinning.calibrationTokens
    }

    private func apply(distillation inner: [String: Any], to distillation: inout DistillationConfiguration) throws {
        try refuseUnknown(
            inner,
            known: [
                "tokens", "loss", "divergence_weight", "weights", "learning_rate", "batch", "length", "evaluations",
                "patience",
            ],
            prefix: "distillation."
        )
        distillation.divergenceWeight = try number(inner, "divergence_weight") ?? distillation.divergenceWeight
        distillation.weights = try choice(inner, "weights") ?? distillation.weights
        distillation.evaluations = try integer(inner, "evaluations") ?? distillation.evaluations
        distillation.patience = try integer(inner, "patience") ?? distillation.patience
        distillation.tokens = try integer(inner, "tokens") ?? distillation.tokens
        distillation.loss = try choice(inner, "loss") ?? distillation.loss
        distillation.learningRate = try number(inner, "learning_rate") ?? distillation.learningRate
        distillation.batch = try integer(inner, "batch") ?? distillation.batch
        distillation.length = try integer(inner, "length") ?? distillation.length
        guard distillation.batch > 0, distillation.length > 1, distillation.tokens >= 0 else {
            throw failure("distillation", "needs batch ≥ 1, length ≥ 2 and tokens ≥ 0")
        }
    }

    private func failure(_ key: String, _ reason: String) -> CommandFailure {
        CommandFailure("The recipe \(path): \(key) \(reason); see Emulators/README.md.")
    }

    private func refuseUnknown(_ values: [String: Any], known: [String], prefix: String) throws {
        if let key = values.keys.sorted().first(where: { !known.contains($0) }) {
            throw failure(prefix + key, "is not a key of recipes")
        }
    }

    private func integer(_ values: [String: Any], _ key: String) throws -> Int? {
        guard let value = values[key] else { return nil }
        guard let number = value as? Int else { throw failure(key, "must be a whole number") }
        return number
    }

    private func number(_ values: [String: Any], _ key: String) throws -> Double? {
        guard let value = values[key] else { return nil }
        guard let number = value as? Double ?? (value as? Int).map(Double.init) else {
            throw failure(key, "must be a number")
        }
        return number
    }

    private func flag(_ values: [String: Any], _ key: String) throws -> Bool? {
        guard let value = values[key] else { return nil }
        guard let flag = value as? Bool else { throw failure(key, "must be true or false") }
        return flag
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ values: [String: Any],
        _ key: String
    ) throws -> Choice? where Choice.RawValue == String {
        guard let value = values[key] else { return nil }
        guard let name = value as? String, let choice = Choice(rawValue: name) else {
            throw failure(key, "must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}
