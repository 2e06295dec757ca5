import Checkpoints
import Foundation
import Testing

/// Faults in the middle of the story: disks that are full, files that belong elsewhere, weights that are not numbers.
struct FaultTests {
    private let story: Story
    private let scratch: Scratch

    init() throws {
        story = try Story(records: 8)
        scratch = story.scratch
    }

    /// Runs a command that must fail in one sentence and leave everything as it was.
    private func expectFailure(
        _ arguments: [String],
        naming text: String,
        fileLimit: Int? = nil
    ) throws {
        let before = try scratch.files
        let run = try Transcript.run(arguments, in: scratch, fileLimit: fileLimit)
        #expect(run.status == 1, "\(run.errors)")
        let last = run.errors.split(separator: "\n").last.map(String.init) ?? ""
        #expect(last.hasPrefix("error: ") && last.hasSuffix(".") && last.contains(text), "\(run.errors)")
        #expect(try scratch.files == before)
        #expect(story.partials.isEmpty)
    }

    /// A file limit gives the error of a full disk at the same call: the write of the weights.
    @Test func noRoomForTheWeights() throws {
        let compress = ["compress", "model", "--bottom", "1", "--top", "1", "-q", "-o"]
        try expectFailure(compress + ["emulator"], naming: "emulator", fileLimit: 400)
        for name in ["owner", "north"] { try story.run(["keygen", name, "--no-passphrase"]) }
        try expectFailure(
            compress + ["e.fsot", "--to", "north.card", "--sign", "owner.identity"],
            naming: "free space",
            fileLimit: 400
        )
        try story.compress()
        try expectFailure(story.tuning(into: "run", ["-q"]), naming: "run/rounds/0001.safetensors", fileLimit: 200)
        try story.run(story.tuning(into: "run", ["--rounds", "1", "--local-steps", "1"]))
        try expectFailure(["plug", "model", "run", "-q", "-o", "plugged"], naming: "model.safetensors", fileLimit: 800)
        try expectFailure(["plug", "model", "run", "-q", "-o", "plugged"], naming: "adapter", fileLimit: 100)
    }

    @Test func aDiskThatFillsUpLaterCanBeEmptiedAndGoneOnWith() throws {
        try story.compress()
        let lora = [
            "--method", "lora", "--rank", "1", "--targets", "q_proj", "--rounds", "24", "--local-steps", "1", "-q",
        ]
        try story.run(story.tuning(into: "whole", lora))
        // Room for every file but the log of all rounds, which grows past it.
        let others = try ["run.json", "rounds/0024.safetensors"].map { try scratch.size("whole/" + $0) }
        let limit = (try #require(others.max()) + 511) / 512
        try #require(try scratch.size("whole/metrics.jsonl") > limit * 512)
        let run = try Transcript.run(story.tuning(into: "run", lora), in: scratch, fileLimit: limit)
        #expect(run.status == 1 && run.errors.contains("run/metrics.jsonl"), "\(run.errors)")
        try story.run(story.tuning(into: "run", lora + ["--resume"]))
        #expect(try story.adapter("run") == story.adapter("whole"))
    }

    /// A sealed emulator is opened again where a run is gone on with, and has to be the same one.
    @Test func sealedEmulatorsAreOpenedIntoMemory() throws {
        for name in ["owner", "north"] { try story.run(["keygen", name, "--no-passphrase"]) }
        for (name, keep) in [("one", "0"), ("two", "1")] {
            try story.run(
                ["compress", "model", "--bottom", "1", "--top", "1", "--keep", keep, "--to", "north.card"]
                    + ["--sign", "owner.identity", "-q", "-o", "\(name).fsot"]
            )
        }
        let key = ["--identity", "north.identity", "--from", "owner.card", "--local-steps", "1", "-q"]
        try story.run(story.tuning("one.fsot", into: "whole", key + ["--rounds", "2"]))
        let before = try scratch.files
        let stopped = try Transcript.run(story.tuning("one.fsot", into: "run", key + ["--rounds", "2"]), in: scratch) {
            process,
            _ in
            while process.isRunning,
                !FileManager.default.fileExists(atPath: scratch.path + "/run/rounds/0001.safetensors")
            {
                usleep(1_000)
            }
            kill(process.processIdentifier, SIGINT)
        }
        #expect([0, 130].contains(stopped.status), "\(stopped.errors)")
        #expect(try scratch.files == (before + ["run"]).sorted())
        try story.run(story.tuning("one.fsot", into: "run", key + ["--rounds", "2", "--resume"]))
        #expect(try story.adapter("run") == story.adapter("whole"))
        try expectFailure(
            story.tuning("two.fsot", into: "run", key + ["--rounds", "2", "--resume"]),
            naming: "started with other settings, records or another emulator"
        )
        try expectFailure(story.tuning("one.fsot", into: "other"), naming: "one.fsot is sealed")
        try expectFailure(
            story.tuning("one.fsot", into: "other", ["--identity", "owner.identity", "-q"]),
            naming: "owner is not a recipient of one.fsot"
        )
        try expectFailure(
            story.tuning("one.fsot", into: "other", ["--identity", "north.card", "-q"]),
            naming: "north.card"
        )
    }

    @Test func trainingThatDivergesNamesTheRecordsAndLeavesNoRun() throws {
        try story.compress()
        try expectFailure(
            story.tuning(into: "run", ["-q"]).map { $0 == "1e-3" ? "1e30" : $0 },
            naming: "of north.jsonl; lower --lr"
        )
    }

    @Test func filesThatBelongElsewhere() throws {
        try story.compress()
        try story.run(story.tuning(into: "run", ["--rounds", "1", "--local-steps", "1"]))
        try scratch.addModel("opt", as: "foreign")
        try expectFailure(["plug", "foreign", "run", "-q", "-o", "plugged"], naming: "run/adapter")
        try expectFailure(
            ["plug", "model", "emulator", "-q", "-o", "plugged"],
            naming: "emulator holds no adapter_config"
        )
        try expectFailure(["tune", "model", "--data"] + story.files + ["-o", "x"], naming: "model/emulator.json")
        try expectFailure(["audit", "run", "run", "-o", "report"], naming: "run was not tuned under a plan")
        try story.run(["audit", "plan", "--data"] + story.files + ["--holdout", "0.5", "-o", "plan"])
        try story.run(
            [
                "tune", "emulator", "--plan", "plan", "--template", "plain", "--rounds", "1", "--local-steps", "1",
                "-o", "planned",
            ]
        )
        try expectFailure(
            ["audit", "run", "planned", "--model", "emulator", "-o", "report"],
            naming: "emulator has 3 layers but the emulator of planned was cut from 4"
        )
        try scratch.write("attacks: [\n", "suite.yaml")
        try expectFailure(
            ["audit", "run", "planned", "--suite", "suite.yaml", "-o", "report"],
            naming: "not valid YAML"
        )
        try scratch.write("attacks: 5\n", "suite.yaml")
        try expectFailure(["audit", "run", "planned", "--suite", "suite.yaml", "-o", "report"], naming: "attacks")
        try scratch.write("atacks: [LOSS]\n", "suite.yaml")
        try expectFailure(["audit", "run", "planned", "--suite", "suite.yaml", "-o", "report"], naming: "atacks")
    }

    @Test func weightsOfAnEmulatorThatAreNotNumbers() throws {
        try story.compress()
        let path = scratch.path + "/emulator/model.safetensors"
        let file = try SafetensorsFile(path: path)
        let entries = try file.tensorNames.map { name in
            var values = try file.values(name)
            if name.hasSuffix("1.mlp.up_proj.weight") { values[3] = .infinity }
            return try SafetensorsWriter.Entry(name: name, shape: file.info(name).shape, values: values)
        }
        try FileManager.default.removeItem(atPath: path)
        try SafetensorsWriter.write(entries, to: path)
        try expectFailure(story.tuning(into: "run", ["-q"]), naming: "model.layers.1.mlp.up_proj.weight")
    }

    @Test func oneUpdateCannotBeMasked() throws {
        try story.compress()
        try expectFailure(story.tuning(into: "run", ["-q", "--sample", "1"]), naming: "--sample 1")
        let alone = ["tune", "emulator", "--data", "lake.jsonl", "--template", "plain", "--rounds", "1"]
        let run = try story.run(alone + ["--local-steps", "1", "-o", "alone"])
        #expect(run.errors.contains("one data holder alone cannot be masked"))
        #expect(run.output.contains("in the clear"))
    }

    @Test func compressionThatDiverges() throws {
        try expectFailure(
            [
                "compress", "model", "--bottom", "1", "--top", "1", "--public-data", "lake.jsonl", "--distill-tokens",
                "2000",
            ]
                + ["--distill-lr", "1e20", "-q", "-o", "emulator"],
            naming: "lower --distill-lr"
        )
    }

    @Test func ctrlCBeforeAnythingIsWritten() throws {
        try scratch.write(String(repeating: "All work and no play. ", count: 400), "public.txt")
        let before = try scratch.files
        let run = try Transcript.run(
            ["compress", "model", "--bottom", "1", "--top", "1", "--public-data", "public.txt"]
                + ["--distill-tokens", "90000000", "-o", "emulator"],
            in: scratch
        ) { process, errors in
            // Its first word comes after it has begun to listen.
            while process.isRunning, (FileManager.default.contents(atPath: errors) ?? Data()).isEmpty { usleep(2_000) }
            kill(process.processIdentifier, SIGINT)
        }
        #expect(run.status == 130)
        #expect(run.errors.hasSuffix("error: Stopped; nothing was written, run the command again.\n"))
        #expect(try scratch.files == before)
    }
}
