import Checkpoints
import Foundation
import Testing

/// `compress` with every selection, and emulators whose adapter is at one end only, all the way to the plugged-in model.
struct SelectionTests {
    private static let selections = [
        "uniform", "nested", "block-influence", "cka", "leave-one-out", "contiguous", "random",
    ]

    private func report(_ story: Story, _ emulator: String) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(story.scratch.read("\(emulator).owner/release.json").utf8))
                as? [String: Any]
        )
    }

    @Test(arguments: selections) func everySelectionMakesAnEmulator(_ selection: String) throws {
        let story = try Story(records: 30)
        try story.scratch.write("bottom: 1\ntop: 1\nkeep: 0.5\nselection: \(selection)\n", "recipe.yaml")
        let made = try story.run(
            ["compress", "model", "--recipe", "recipe.yaml", "--public-data", "lake.jsonl", "--distill-tokens", "400"]
                + ["-o", "emulator"]
        )
        let report = try report(story, "emulator")
        #expect(report["selection"] as? String == selection)
        let layers = try #require(report["sourceLayers"] as? [Int])
        #expect(layers == [1] || layers == [2])
        let choice = try #require(report["layerChoice"] as? [String: Any])
        #expect(choice["kept"] as? [Int] == layers.map { $0 - 1 } && choice["source"] as? String == "lake.jsonl")
        #expect((choice["leaveOneOut"] != nil) == (selection == "leave-one-out"))
        let sink = try #require(choice["sink"] as? [String: Any])
        #expect((sink["firstTokenShare"] as? [Double])?.count == 3)
        // The forecast stands before the distillation, the other one after it.
        let lines = made.errors.split(separator: "\n")
        let order = ["gradient cosine before", "distilling: ", "gradient cosine after"].map { text in
            lines.firstIndex { $0.contains(text) && (text != "distilling: " || $0.hasPrefix(text)) }
        }
        let positions = order.compactMap { $0 }
        #expect(positions.count == 3 && positions == positions.sorted(), "\(made.errors)")
        #expect(made.errors.contains("leaving out layers: ") == (selection == "leave-one-out"))
        for file in try story.scratch.content("emulator") where file.hasSuffix(".json") {
            #expect(try !story.scratch.read("emulator/" + file).contains("firstTokenShare"), "\(file)")
        }
    }

    @Test func helpNamesEverySelection() throws {
        let help = try Transcript.run(["compress", "--help"], in: Scratch())
        let words = help.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains(Self.selections.joined(separator: ", ")), "\(help.output)")
        let wrong = try Transcript.run(["compress", "model", "--selection", "best", "-o", "e"], in: Scratch())
        #expect(wrong.status == 64 && wrong.errors.contains("leave-one-out"))
    }

    /// An adapter at one end only: exactly its blocks of the full model change, and every way to the
    /// plugged-in model gives the same scores.
    @Test(
        arguments: [(bottom: 0, top: 1), (bottom: 1, top: 0), (bottom: 0, top: 2), (bottom: 2, top: 0)],
        ["blocks", "lora"]
    )
    func oneEndOnly(_ split: (bottom: Int, top: Int), _ method: String) throws {
        let story = try Story(records: 20)
        try story.run(
            ["compress", "model", "--bottom", "\(split.bottom)", "--top", "\(split.top)", "--quiet", "-o", "emulator"]
        )
        let options = ["--rounds", "1", "--local-steps", "4", "--method", method]
        try story.run(story.tuning(into: "run", options))
        try story.run(["plug", "model", "run", "-o", "plugged"])
        let before = try SafetensorsFile(path: story.scratch.path + "/model/model.safetensors")
        let after = try SafetensorsFile(path: story.scratch.path + "/plugged/model.safetensors")
        var changed: Set<Int> = []
        for name in before.tensorNames where try before.values(name) != after.values(name) {
            let layer = name.split(separator: ".").compactMap { Int($0) }.first
            changed.insert(try #require(layer, "\(name) is no part of the adapter"))
        }
        #expect(changed == Set(0..<split.bottom).union((4 - split.top)..<4))
        try story.scratch.write("{\"text\": \"Who is lake-3?\"}\n", "texts.jsonl")
        func scores(_ arguments: [String]) throws -> [Double] {
            try story.run(["score"] + arguments + ["--input", "texts.jsonl", "--output", "scores.jsonl"])
            return try #require(try story.scratch.lines("scores.jsonl")[0]["logprobs"] as? [Double])
        }
        let plugged = try scores(["plugged"])
        for other in [
            try scores(["model", "--adapter", "run"]), try scores(["model", "--adapter", "plugged/adapter-full"]),
        ] {
            #expect(zip(plugged, other).allSatisfy { abs($0 - $1) < 1e-4 } && plugged.count == other.count)
        }
        #expect(try scores(["emulator", "--adapter", "run"]) != scores(["emulator"]))
        #expect(try story.run(["inspect", "run", "--json"]).json()["kind"] as? String == "run")
    }
}
