import Audit
import Federation
import Foundation
import Testing

@Suite("An audit of parties who share nothing but files")
struct ScoreExportTests {
    private func refusal(
        _ text: String,
        _ federation: SplitFederation,
        changing holder: Int = 1,
        _ change: (inout ScoreExport) throws -> Void
    ) throws {
        var exports = try federation.exports()
        try change(&exports[holder].export)
        let error = #expect(throws: AuditError.self) { try federation.merge(exports) }
        let sentence = "\(try #require(error))"
        #expect(sentence.contains(text), "\(sentence)")
        #expect(sentence.hasSuffix(".") && !sentence.contains("\n"))
    }

    @Test("A leak is found in the pooled scores; the order of the files does not matter")
    func leakage() throws {
        let federation = try SplitFederation(leak: 0.5)
        let outcome = try federation.merge(try federation.exports())
        let run = outcome.report.runs[0]
        let peer = try #require(run.vantages.first)
        let ratio = try #require(peer.attacks.first { $0.attack == "RATIO" })
        #expect(ratio.auc > 0.9 && outcome.report.verdict.outcome == .leakage)
        #expect(run.counts.members + run.counts.heldOut == 180 && run.counts.holders.count == 3)
        #expect(abs(run.blind.auc - 0.5) < 0.2)
        let reversed = try federation.merge(try federation.exports().reversed())
        #expect(try reversed.report.json() == outcome.report.json())
        #expect(reversed.scoresCSV == outcome.scoresCSV)
        #expect(try AuditReport(json: outcome.report.json()) == outcome.report)
        #expect(try ReportPage.render(reportJSON: outcome.report.json()).contains("What each figure stands on"))
    }

    /// Unequal shares and unequal difficulty: without centring, LOSS would tell holders apart and call it a leak.
    @Test("Holders who differ in difficulty and in the share held out are no leak")
    func centring() throws {
        let federation = try SplitFederation(
            records: 300,
            holdouts: [0.8, 0.5, 0.1],
            ease: [0, 0.5, 1],
            leak: 0
        )
        let report = try federation.merge(try federation.exports()).report
        let loss = try #require(report.runs[0].vantages[0].attacks.first { $0.attack == "LOSS" })
        #expect(abs(loss.auc - 0.5) < 0.06, "\(loss.auc)")
        #expect(report.verdict.outcome == .noneFound, "\(report.verdict)")
    }

    @Test("False alarms stay rare when a tenth is held out")
    func nullSize() throws {
        var alarms = 0
        var blind = 0.0
        for seed in 0..<40 {
            let federation = try SplitFederation(
                records: 100,
                holdouts: [0.1, 0.1, 0.1],
                seed: UInt64(1000 + 10 * seed)
            )
            let report = try federation.merge(try federation.exports()).report
            let smallest = report.runs[0].vantages[0].attacks.map(\.adjustedPValue).min() ?? 0
            if smallest < 0.05 { alarms += 1 }
            blind += report.runs[0].blind.auc / 40
            #expect(report.verdict.outcome != .leakage && report.verdict.outcome != .invalidSplit)
        }
        // 5 % of 40, plus three standard deviations.
        #expect(alarms <= 6, "\(alarms) of 40")
        #expect(abs(blind - 0.5) < 0.1, "\(blind)")
    }

    @Test("The export holds no text, and comes back as it was")
    func content() throws {
        let federation = try SplitFederation(leak: 0.5)
        let export = try federation.export(0)
        let json = try export.json()
        let text = String(decoding: json, as: UTF8.self)
        #expect(!text.contains("letter") && !text.contains("secret") && !text.contains(federation.plans[0].plan.salt))
        #expect(try ScoreExport(json: json, path: "x") == export)
        #expect(ExchangeFile.schema(of: json) == ScoreExport.currentSchema)
    }

    @Test("What was altered since the plan is refused")
    func tampering() throws {
        let federation = try SplitFederation(leak: 0.5)
        try refusal("a record or a coin was altered", federation) { $0.openings[3].isIncluded.toggle() }
        try refusal("a record or a coin was altered", federation) { $0.openings.swapAt(0, 1) }
        try refusal("a record or a coin was altered", federation) { $0.openings[3].salt = "" }
        try refusal("opens 59 of the 60 records", federation) { $0.openings.removeLast() }
        try refusal("not one that the run recorded before round 1", federation) {
            $0.root = String(repeating: "0", count: 64)
        }
        // A holder who makes a new plan after the run, with coins to its liking.
        var other = federation
        other.plans[1] = try SplitFederation(seed: 77).plans[1]
        try refusal("not one that the run recorded before round 1", federation) { $0 = try other.export(1) }
        try refusal("names other data holders", federation) { $0.holders = ["hill"] }
    }

    @Test("What does not belong together is refused")
    func mismatches() throws {
        let federation = try SplitFederation(leak: 0.5)
        try refusal("another suite", federation) { $0.suite.minKFraction = 0.3 }
        try refusal("another adapter", federation) { $0.adapterDigest = "other" }
        try refusal("another emulator", federation) { $0.emulatorDigest = "other" }
        try refusal("another template or length", federation) { $0.maximumLength = 65 }
        try refusal("counts the emulator's parameters otherwise", federation) { $0.shippedParameters += 1 }
        for change: (inout ScoreExport) -> Void in [
            { $0.holdout = 2 }, { $0.holdout = .nan }, { $0.shippedParameters = -1 }, { $0.fullParameters = 0 },
        ] { try refusal("is out of range", federation, change) }
        try refusal("has the records of north.scores.json again", federation) { $0 = try federation.export(0) }
        try refusal("has 59 scores for 60 records", federation) { $0.blind.removeLast() }
        try refusal("positions of its scored records", federation) { $0.scored[0] = 60 }
        try refusal("each vantage point once", federation) { $0.vantages = [] }
        try refusal("an attack twice", federation) { $0.vantages[0].attacks.append($0.vantages[0].attacks[0]) }
        try refusal("gives nan for record lake:", federation) { $0.vantages[0].attacks[1].scores[7] = .nan }
        #expect(throws: AuditError.nothingToAudit) { try federation.merge([]) }
    }

    @Test("NaN written as text is named; other files are refused by what they are")
    func files() throws {
        let federation = try SplitFederation()
        var exports = try federation.exports()
        let text = String(decoding: try exports[0].export.json(), as: UTF8.self)
        let first = try #require(text.range(of: #"-?[0-9]+\.[0-9]+"#, options: .regularExpression))
        let broken = text.replacingCharacters(in: first, with: "\"NaN\"")
        exports[0].export = try ScoreExport(json: Data(broken.utf8), path: "north.scores.json")
        #expect(throws: AuditError.self) { try federation.merge(exports) }
        for (content, reason) in [
            ("", "not JSON with a schema"), ("{}", "not JSON with a schema"),
            (#"{"schema":"fsot.audit/1"}"#, "its schema is fsot.audit/1"),
            (#"{"schema":"fsot.scores/1"}"#, "a value is missing"),
        ] {
            let error = #expect(throws: AuditError.self) { try ScoreExport(json: Data(content.utf8), path: "x") }
            #expect("\(try #require(error))".contains(reason))
        }
    }

    @Test("An empty class is refused")
    func emptyClass() throws {
        let federation = try SplitFederation()
        let heldOut = federation.plans.map { plan in plan.plan.records.map(\.isIncluded) }
        var exports = try federation.exports()
        for index in exports.indices {
            // Held-out records whose tokens all fell to the truncation.
            let kept = heldOut[index].indices.filter { heldOut[index][$0] }
            exports[index].export.keepScores(at: kept)
        }
        #expect(throws: AuditError.emptyClass(name: "held-out")) { try federation.merge(exports) }
    }

    @Test("The table says what each figure stands on")
    func coverage() throws {
        let federation = try SplitFederation(leak: 0.5)
        func standings(_ exports: [(path: String, export: ScoreExport)]) throws -> [String: Coverage.Standing] {
            let coverage = try #require(try federation.merge(exports).report.runs[0].facts.coverage)
            return Dictionary(
                uniqueKeysWithValues: coverage.map { ("\($0.attack) \($0.vantage.rawValue)", $0.standing) }
            )
        }
        var exports = try federation.exports()
        var found = try standings(exports)
        #expect(found["LOSS peer"] == .realFederation && found["LOSS owner"] == .twinOnly)
        #expect(found["DLOSS individual"] == .twinOnly && found["DLOSS peer"] == nil)
        #expect(found["RECALL peer"] == .notTested && found["LOSS aggregate"] == nil)
        #expect(found["LOSS recipient"] == nil, "that is about the owner's own records")
        let coverage = try #require(try federation.merge(exports).report.runs[0].facts.coverage)
        #expect(Coverage.columns(of: coverage) == [.individual, .aggregate, .peer, .owner])
        let (query, answer) = try federation.answer(2)
        try exports[2].export.add(answer, to: query, path: "hill.answer.age")
        found = try standings(exports)
        #expect(found["LOSS owner"] == .onePartysHalf && found["LOSS peer"] == .realFederation)
        let owner = try #require(
            try federation.merge(exports).report.runs[0].vantages.first { $0.vantage == .owner }
        )
        #expect((owner.attacks.first { $0.attack == "RATIO" }?.auc ?? 0) > 0.9)
        #expect(try standings(Array(exports.dropFirst()))["LOSS peer"] == .onePartysHalf)
        let absent = try federation.merge(Array(exports.dropFirst())).report.notTested
        #expect(absent[0].contains("The records of north"))
    }

    @Test("An answer is taken for its own query, adapter and records only")
    func answers() throws {
        let federation = try SplitFederation(leak: 0.5)
        let (query, answer) = try federation.answer(0)
        #expect(try ScoreQuery(json: query.json(), path: "q") == query)
        let text = String(decoding: try query.json(), as: UTF8.self)
        #expect(text.contains("secret letter") && !text.contains("ncluded") && !text.contains("\"coin\""))
        #expect(try ScoreAnswer(json: answer.json(), path: "a") == answer)
        var export = try federation.export(0)
        try export.add(answer, to: query, path: "a")
        #expect(export.vantages.map(\.vantage) == [.peer, .owner] && export.fullParameters == 4000)
        for (holder, adapter, reason) in [
            (1, "adapter", "another query"), (0, "other", "the owner scored the adapter"),
        ] {
            let wrong = try federation.answer(holder, adapter: adapter).answer
            let error = #expect(throws: AuditError.self) { try export.add(wrong, to: query, path: "a") }
            #expect("\(try #require(error))".contains(reason))
        }
        var short = answer
        short.scored.removeLast()
        #expect(throws: AuditError.self) { try export.add(short, to: query, path: "a") }
    }
}

extension ScoreExport {
    fileprivate mutating func keepScores(at kept: [Int]) {
        scored = kept
        blind = kept.map { blind[$0] }
        for index in vantages.indices {
            vantages[index].attacks = vantages[index].attacks.map { list in
                AttackScores(attack: list.attack, scores: kept.map { list.scores[$0] })
            }
            vantages[index].nullControl = vantages[index].nullControl.map { list in
                AttackScores(attack: list.attack, scores: kept.map { list.scores[$0] })
            }
            vantages[index].likelihoodBefore = kept.map { vantages[index].likelihoodBefore[$0] }
            vantages[index].likelihoodAfter = kept.map { vantages[index].likelihoodAfter[$0] }
        }
    }
}
