import Emulators
import LanguageModels
import TensorEngine
import Testing

/// Which blocks each method keeps, and what the methods promise.
@Suite struct LayerSelectionTests {
    private static let text = PublicText(sequences: DeepModel.text(), source: "public.txt")

    private func choose(
        _ selection: LayerSelection,
        keeping count: Int,
        from model: LanguageModel,
        seed: UInt64 = 0,
        text: PublicText? = Self.text
    ) throws -> LayerChoice {
        try selection.choose(from: model, middle: 1..<7, keeping: count, seed: seed, text: text)
    }

    @Test func nestedOrderingIsAPermutationThatStartsCoarse() {
        #expect(NestedOrdering.coarseToFine(9) == [4, 0, 8, 2, 6, 1, 5, 3, 7])
        for count in 0...48 {
            #expect(NestedOrdering.coarseToFine(count).sorted() == Array(0..<count))
        }
    }

    /// No beginning of the ordering leaves a gap more than twice as wide as an even spread would.
    @Test func everyBeginningIsSpreadEvenly() {
        for count in 3...48 {
            for kept in 3...count {
                let blocks = NestedOrdering.coarseToFine(count).prefix(kept).sorted()
                let gap = zip(blocks, blocks.dropFirst()).map { $1 - $0 }.max() ?? 0
                let even = Double(count - 1) / Double(kept - 1)
                #expect(blocks.first == 0 && blocks.last == count - 1)
                #expect(Double(gap) <= 2 * even.rounded(.up), "\(kept) of \(count): \(blocks)")
            }
        }
    }

    @Test(arguments: [LayerSelection.nested, .random]) func smallerIsPartOfLarger(_ selection: LayerSelection) throws {
        for middle in 1...32 {
            var larger = Set(0..<middle)
            for count in stride(from: middle, through: 0, by: -1) {
                let kept = try #require(selection.indices(keeping: count, of: middle, seed: 7))
                #expect(kept.count == count && kept == kept.sorted() && Set(kept).isSubset(of: larger))
                larger = Set(kept)
            }
        }
    }

    /// What the documentation says of the published rule: 8, 10 and 12 of 20 show 18; nested releases show the largest.
    @Test func unionOverReleases() throws {
        func union(_ selection: LayerSelection) throws -> Int {
            try Set([8, 10, 12].flatMap { try #require(selection.indices(keeping: $0, of: 20)) }).count
        }
        #expect(try union(.uniform) == 18)
        #expect(try union(.nested) == 12)
    }

    @Test func nestedDependsOnTheNumberOfBlocksOnly() throws {
        let first = try choose(.nested, keeping: 3, from: DeepModel.make(), seed: 1)
        let other = try choose(.nested, keeping: 3, from: DeepModel.make(seed: 9), seed: 2, text: nil)
        #expect(first.kept == other.kept && first.kept == LayerSelection.nested.indices(keeping: 3, of: 6))
    }

    @Test func seedDecidesRandom() throws {
        let sets = (0..<20).map { LayerSelection.random.indices(keeping: 8, of: 24, seed: $0) ?? [] }
        #expect(Set(sets).count == 20)
        #expect(LayerSelection.random.indices(keeping: 8, of: 24, seed: 3) == sets[3])
        let counts = (0..<600).flatMap { LayerSelection.random.indices(keeping: 2, of: 6, seed: $0) ?? [] }
            .reduce(into: [Int](repeating: 0, count: 6)) { $0[$1] += 1 }
        #expect(counts.allSatisfy { (140...260).contains($0) }, "\(counts)")
        let model = try DeepModel.make()
        #expect(
            try choose(.random, keeping: 3, from: model, seed: 5).kept
                == LayerSelection.random.indices(keeping: 3, of: 6, seed: 5)
        )
    }

    @Test(arguments: LayerSelection.allCases) func keepsAsManyAsAsked(_ selection: LayerSelection) throws {
        let model = try DeepModel.make()
        for count in [0, 1, 3, 5, 6] {
            let choice = try choose(selection, keeping: count, from: model)
            #expect(choice.kept.count == count && Set(choice.kept).count == count)
            #expect(choice.kept == choice.kept.sorted() && choice.kept.allSatisfy { (0..<6).contains($0) })
            #expect(choice == (try choose(selection, keeping: count, from: model)), "deterministic")
            #expect((choice.sink == nil) == (count == 6))
        }
    }

    @Test(arguments: LayerSelection.allCases) func textIsAskedForWhereItIsNeeded(_ selection: LayerSelection) throws {
        let model = try DeepModel.make()
        #expect((selection.indices(keeping: 2, of: 6) == nil) == selection.needsText)
        guard selection.needsText else {
            let choice = try choose(selection, keeping: 3, from: model, text: nil)
            #expect(choice.source == "random tokens" && choice.scores == nil)
            return
        }
        #expect(throws: EmulatorError.selectionNeedsText(selection)) {
            try choose(selection, keeping: 3, from: model, text: nil)
        }
        #expect(throws: EmulatorError.selectionNeedsText(selection)) {
            try OffsiteSplit(fullLayerCount: 8, bottom: 1, top: 1, keep: 0.5, selection: selection)
        }
        #expect("\(EmulatorError.selectionNeedsText(selection))".contains("--selection \(selection.rawValue)"))
        #expect("\(EmulatorError.selectionNeedsText(selection))".contains("--public-data"))
        let short = PublicText(sequences: [[1, 2, 3]], source: "short.txt")
        #expect {
            try choose(selection, keeping: 3, from: model, text: short)
        } throws: {
            "\($0)".contains("short.txt")
        }
    }

    /// The choice on a model is the rule applied to that model's states, all of whose text is short enough to be used.
    @Test func choicesFollowTheStates() throws {
        let model = try DeepModel.make()
        let states = try LayerStates.measure(model, middle: 1..<7, sequences: Self.text.sequences)
        let sink = AttentionSink(firstTokenShare: states.firstTokenShare).block
        let influence = try choose(.blockInfluence, keeping: 3, from: model)
        #expect(influence.scores == states.blockInfluence)
        #expect(influence.kept == BlockInfluence.kept(states.blockInfluence, count: 3, pinned: sink))
        let cka = try choose(.cka, keeping: 3, from: model)
        let clustering = CKAClustering(states)
        #expect(cka.scores == (0..<5).map { clustering.similarity($0, $0 + 1) })
        #expect(cka.kept == clustering.kept(3, pinned: sink))
        let contiguous = try choose(.contiguous, keeping: 4, from: model)
        let distances = AngularDistance.distances(states, run: 2)
        #expect(contiguous.scores == distances && distances.count == 5)
        #expect(contiguous.kept == AngularDistance.kept(distances, run: 2, pinned: sink))
        #expect(zip(contiguous.kept, contiguous.kept.dropFirst()).count { $1 - $0 > 1 } <= 1)
        #expect(influence.source == "public.txt")
    }
}
