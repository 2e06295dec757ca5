import Audit
import Federation
import Foundation
import Testing

@Suite("The published JSON Schema of report.json")
struct ReportSchemaTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func json(_ data: Data) throws -> Any { try JSONSerialization.jsonObject(with: data) }

    private func schema() throws -> Schema {
        let url = Self.root.appendingPathComponent("Reports/schema/fsot.audit-1.schema.json")
        return Schema(root: try #require(try json(Data(contentsOf: url)) as? [String: Any]))
    }

    private func report() throws -> [String: Any] {
        var suite = AttackSuite()
        suite.attacks = ["LOSS", "RATIO", "DLOSS", "ACTIVE-GA"]
        suite.bootstrapReplicates = 100
        suite.permutations = 100
        suite.rmiaOfflineA = 0.3
        suite.neighbour = .init()
        suite.samia = .init()
        suite.blind.buckets = 256
        var inputs = [SyntheticRun(leak: 1, ratio: 0.5).input(), SyntheticRun(name: "other", ratio: 0.7).input()]
        inputs[0].positiveControl = AuditInput.PositiveControl(description: "longer", view: inputs[0].vantages[0])
        inputs[0].reconstructions = [
            ReconstructionResult(nil, vantage: .individual, holder: "clinic-a", round: 1, records: [])
        ]
        inputs[0].facts.twins = [.individual]
        inputs[0].records[81].coin = inputs[0].records[82].coin
        inputs[0].records[81].isMember = inputs[0].records[82].isMember
        for index in 0..<80 { inputs[0].records[index].canary = Canary(kind: .random, repetitions: 1 + index % 2) }
        var rounds = inputs[0].vantages[0]
        rounds.vantage = .aggregate
        rounds.rounds = inputs[0].records.indices.map { index in
            (1...2).map { RoundEvidence(round: $0, before: -3, after: -2 - Double(index * $0 % 7)) }
        }
        inputs[0].vantages.append(rounds)
        inputs[0].active = ActiveEvidence(
            targets: inputs[0].records.indices.filter { inputs[0].records[$0].canary == nil },
            individual: nil,
            aggregate: inputs[0].records.filter { $0.canary == nil }.map {
                var evidence = RoundEvidence(round: 1, before: -4, after: $0.isMember ? -2 : -3)
                evidence.honest = -3
                evidence.gradientNormAfter = 1
                return [evidence]
            },
            isMasked: true,
            isAlwaysRefused: true,
            trainingOperations: 1e9,
            operations: ["ACTIVE-GA": 1e8]
        )
        let canaries = try CanaryClients(count: 100, presence: .once, norm: 1, seed: 1)
        let products = CanaryProducts(round: 1, products: canaries.isIncluded.map { $0 ? 0.2 : 0.01 }, norm: 1)
        inputs[0].clientCanaries = CanaryClientScores(
            canaries,
            dimension: 2000,
            rounds: 1,
            products: [products, CanaryProducts(round: 1, products: (0..<100).map { 0.001 * Double($0) }, norm: 1)],
            accepted: [1],
            change: 1.5
        )
        inputs[0].facts.sweep = SweepCell(ratio: 0.5, method: "blocks", placement: .both, seed: 1)
        inputs[0].facts.protections = [
            RunFacts.Protection(
                protects: "a record",
                unit: .record,
                epsilon: 50,
                delta: 1e-5,
                sampler: "poisson",
                accountant: "pld",
                neighbouring: "add-or-remove-one",
                isNoiseSeeded: false
            )
        ]
        let data = try Audit.run(inputs: inputs, suite: suite, keepsRanks: true).report.json()
        return try #require(try json(data) as? [String: Any])
    }

    @Test("A report with everything in it, and every committed one, keeps to the schema")
    func valid() throws {
        let schema = try schema()
        #expect(try schema.faults(in: report()) == [])
        let reports = try FileManager.default.subpathsOfDirectory(atPath: Self.root.path + "/Reports").filter {
            $0.hasSuffix("report.json") || $0.contains("/cells/")
        }
        var checked = 0
        for path in reports {
            let content = try json(Data(contentsOf: Self.root.appendingPathComponent("Reports/\(path)")))
            guard let content = content as? [String: Any], content["schema"] as? String == "fsot.audit/1" else {
                continue
            }
            #expect(schema.faults(in: content) == [], "\(path)")
            checked += 1
        }
        #expect(checked > 1)
    }

    @Test("What is missing, unknown, or of another kind is a fault")
    func invalid() throws {
        let schema = try schema()
        let report = try report()
        var changed = report
        changed["verdict"] = nil
        #expect(schema.faults(in: changed) == [": no verdict"])
        changed = report
        changed["extra"] = 1
        #expect(schema.faults(in: changed) == [".extra: unknown"])
        changed = report
        changed["title"] = 3
        #expect(schema.faults(in: changed) == [".title: not a string"])
        changed = report
        changed["schema"] = "fsot.audit/2"
        #expect(schema.faults(in: changed).count == 1)
    }
}

/// As much of JSON Schema as the published file uses.
private struct Schema {
    let root: [String: Any]

    func faults(in value: Any) -> [String] { faults(value, root, "") }

    private func faults(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            let name = reference.replacingOccurrences(of: "#/$defs/", with: "")
            guard let target = (root["$defs"] as? [String: Any])?[name] as? [String: Any] else {
                return ["\(path): no definition \(name)"]
            }
            return faults(value, target, path)
        }
        if let allowed = schema["enum"] as? [String] {
            return (value as? String).map(allowed.contains) == true ? [] : ["\(path): not one of \(allowed)"]
        }
        switch schema["type"] as? String {
        case "object":
            guard let object = value as? [String: Any] else { return ["\(path): not an object"] }
            let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
            let missing = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
            return missing.map { "\(path): no \($0)" }
                + object.sorted { $0.key < $1.key }.flatMap { key, value -> [String] in
                    guard let own = properties[key] else { return ["\(path).\(key): unknown"] }
                    return faults(value, own, "\(path).\(key)")
                }
        case "array":
            guard let array = value as? [Any] else { return ["\(path): not an array"] }
            guard let items = schema["items"] as? [String: Any] else { return [] }
            return array.enumerated().flatMap { faults($1, items, "\(path)[\($0)]") }
        case "string": return value is String ? [] : ["\(path): not a string"]
        case "number": return value is NSNumber ? [] : ["\(path): not a number"]
        case "integer":
            return (value as? NSNumber).map { $0.doubleValue == $0.doubleValue.rounded() } == true
                ? [] : ["\(path): not an integer"]
        case "boolean": return value is Bool ? [] : ["\(path): not a boolean"]
        default: return ["\(path): the schema says nothing"]
        }
    }
}
