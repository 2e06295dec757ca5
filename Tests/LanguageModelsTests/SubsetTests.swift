import Checkpoints
import LanguageModels
import TensorEngine
import Testing

/// Models of fewer blocks: what emulators are made of.
@Suite struct SubsetTests {
    @Test(arguments: TinyConfiguration.all) func blocksAreRenumberedAndComputeTheSame(_ json: JSONValue) throws {
        let full = try TinyConfiguration.model(json)
        let small = try full.subset(blocks: [0, 2], copying: [0])
        #expect(small.configuration.layerCount == 2 && small.blocks.map(\.index) == [0, 1])
        #expect(!small.parameters.contains { $0.name.contains(".2.") })
        #expect(small.parameters.contains { $0.name.hasPrefix(small.blockPrefix(1)) })
        let layout = SequenceLayout(lengths: [4])
        let tape = Tape(isRecording: false)
        let x = full.embed([3, 1, 4, 1], layout: layout, on: tape)
        let direct = full.run(
            blocks: 2..<3,
            from: full.run(blocks: 0..<1, from: x, layout: layout, on: tape),
            layout: layout,
            on: tape
        )
        let cut = small.run(
            blocks: 0..<2,
            from: small.embed([3, 1, 4, 1], layout: layout, on: tape),
            layout: layout,
            on: tape
        )
        #expect(direct.values == cut.values)
        #expect(full.normed(direct, on: tape).values == small.normed(cut, on: tape).values)
    }

    @Test func onlyCopiedBlocksHaveValuesOfTheirOwn() throws {
        let full = try TinyConfiguration.model(TinyConfiguration.llama())
        let before = full.parameters.map { $0.value.values }
        let small = try full.subset(blocks: [0, 2], copying: [1])
        for parameter in small.blocks[1].parameters {
            parameter.isTrainable = true
            parameter.value.withUnsafeMutableBufferPointer { for i in $0.indices { $0[i] += 1 } }
        }
        #expect(full.parameters.map { $0.value.values } == before)
        #expect(!full.parameters.contains { $0.isTrainable })
        #expect(small.blocks[0].parameters[0].value === full.blocks[0].parameters[0].value)
        #expect(small.tokenEmbedding.value === full.tokenEmbedding.value)
        #expect(small.tokenEmbedding !== full.tokenEmbedding)
    }

    @Test func aBlockMayOccurTwiceAndMustExist() throws {
        let full = try TinyConfiguration.model(TinyConfiguration.opt())
        let wide = try full.subset(blocks: [0, 1, 1, 2])
        #expect(wide.blocks.count == 4)
        #expect(wide.blocks[1].parameters.map { $0.value.values } == wide.blocks[2].parameters.map { $0.value.values })
        #expect(throws: LanguageModelError.noSuchBlock(index: 3, layerCount: 3)) { try full.subset(blocks: [0, 3]) }
        #expect(throws: LanguageModelError.self) { try full.subset(blocks: []) }
    }
}
