import Cryptography
import Foundation
import TensorEngine
import Training

extension DrawnPlan {
    /// The plan with canaries: each is in or out by a fair coin of its own, whatever share of the records is held out.
    ///
    /// The records and their coins stay as they were drawn. Same plan, request and secrets, same canaries; data holders with
    /// other names have others even under one seed.
    ///
    /// - Parameters:
    ///   - request: how many, and which.
    ///   - secrets: the texts of the kinds that are not `random`, as many as ``CanaryRequest/count(of:)`` at least.
    /// - Throws: `AuditError.invalidCanaries`; `.damagedPlan` for a salt that is none.
    public func planting(_ request: CanaryRequest, secrets: [Canary.Kind: [String]] = [:]) throws -> DrawnPlan {
        guard plan.canaryCount == 0 else {
            throw AuditError.invalidCanaries(reason: "the plan has canaries already")
        }
        guard let salt = [UInt8](hexadecimal: plan.salt) else {
            throw AuditError.damagedPlan(path: Self.planFile, reason: "its salt is not hexadecimal")
        }
        let root = SeededGenerator(seed: plan.seed).derive(
            "canaries of " + plan.holders.map(\.name).joined(separator: ", ")
        )
        var coins = root.derive("coins")
        var letters = root.derive("letters")
        var left = secrets.mapValues { $0[...] }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var (plan, lines, records) = (plan, lines, records)
        let forms = plan.holders.indices.map { holder in
            zip(plan.records, records).first { $0.0.holder == holder }?.1.form ?? .instruction
        }
        for index in 0..<request.count {
            let canary = request.canary(index)
            let holder = request.holder(index, of: plan.holders.count)
            let prompt = RandomSecrets.prompt(using: &letters)
            let drawn = canary.kind == .random ? RandomSecrets.secret(using: &letters) : left[canary.kind]?.popFirst()
            guard let secret = drawn else {
                throw AuditError.invalidCanaries(
                    reason:
                        "there are too few texts for \(request.count(of: canary.kind)) canaries of the kind \(canary.kind.rawValue)"
                )
            }
            let record = Record(canary: secret, after: prompt, form: forms[holder])
            let line = try encoder.encode(record)
            plan.records.append(
                AuditPlan.Entry(
                    holder: holder,
                    digest: Self.digest(of: line, salt: salt),
                    coin: plan.coinCount,
                    isIncluded: coins.next() >> 63 == 1,
                    canary: canary
                )
            )
            plan.coinCount += 1
            lines.append(line)
            records.append(record)
        }
        let once = plan.records.count { $0.canary?.repetitions == 1 }
        if once < PrivacyMeasurement.fewestCanaries {
            plan.warnings.append(
                "Only \(once) canaries are planted once, and a lower bound on ε needs \(PrivacyMeasurement.fewestCanaries)."
            )
        }
        return DrawnPlan(plan: plan, lines: lines, records: records)
    }
}

extension Record {
    /// A canary in the form of its neighbours: what is learned ends in the secret.
    fileprivate init(canary secret: String, after prompt: String, form: Form) {
        switch form {
        case .instruction: self.init(instruction: prompt, output: secret)
        case .text: self.init(text: prompt + " " + secret)
        case .messages:
            self.init(messages: [
                RecordMessage(role: "user", content: prompt), RecordMessage(role: "assistant", content: secret),
            ])
        }
    }
}
