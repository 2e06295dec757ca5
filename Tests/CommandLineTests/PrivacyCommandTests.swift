import Foundation
import Testing

/// `dp` and `audit epsilon` as a user meets them.
struct PrivacyCommandTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func run(_ line: String) throws -> Transcript {
        try Transcript.run(line.split(separator: " ").map(String.init), in: scratch)
    }

    private func figures(_ line: String) throws -> [String: Any] {
        let run = try run(line + " --json --quiet")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.isEmpty)
        return try run.json()
    }

    @Test(arguments: [
        ("--rate 0.01 --noise 1 --rounds 1000 --delta 1e-5", "poisson", "pld", 1.82824, 5e-3),
        ("--rate 0.01 --noise 1 --rounds 1000 --delta 1e-5 --accountant rdp", "poisson", "rdp", 2.101365, 1e-6),
        ("--rate 1 --noise 1 --rounds 1 --delta 1e-5", "full", "pld", 4.377178, 1e-6),
        ("--sampler full --noise 4 --rounds 100 --delta 1e-5 --accountant rdp", "full", "rdp", 14.132226, 1e-6),
        (
            "--sampler fixed --population 32 --cohort 8 --noise 2 --rounds 30 --delta 1e-3", "fixed", "rdp", 5.740771,
            1e-6
        ),
        (
            "--sampler fixed --population 1000 --rate 0.01 --noise 1 --rounds 100 --delta 1e-5", "fixed", "rdp",
            1.482526, 1e-6
        ),
    ]) func epsilonOfNoise(flags: String, sampler: String, accountant: String, epsilon: Double, tolerance: Double)
        throws
    {
        let result = try figures("dp " + flags)
        #expect(result["sampler"] as? String == sampler)
        #expect(result["accountant"] as? String == accountant)
        #expect(abs(try #require(result["epsilon"] as? Double) - epsilon) < tolerance)
    }

    @Test func noiseForAnEpsilonAndBack() throws {
        let result = try figures("dp --rate 0.25 --epsilon 8 --rounds 30 --delta 1e-3")
        let noise = try #require(result["noise"] as? Double)
        #expect(abs(noise - 0.9096) < 1e-3)
        let back = try figures("dp --rate 0.25 --noise \(noise) --rounds 30 --delta 1e-3")
        let epsilon = try #require(back["epsilon"] as? Double)
        #expect(epsilon <= 8)
        #expect(abs(epsilon - (try #require(result["epsilon"] as? Double))) < 1e-9)
    }

    @Test func theTextSaysWhatItIsAbout() throws {
        let fixed = try run("dp --sampler fixed --population 32 --cohort 8 --noise 2 --rounds 30 --delta 1e-3")
        #expect(
            fixed.output == """
                ε           5.74078
                δ           0.001
                noise       2.0 × 2C, where C is the clipping norm
                rounds      30
                sampler     fixed: 8 of 32 a round
                accountant  rdp
                protects    one participant, replace-one

                """
        )
        #expect(fixed.errors.isEmpty)
        let careless = try run("dp --rate 1 --noise 2 --rounds 3 --delta 0.1 --population 32 --quiet")
        #expect(careless.status == 0)
        #expect(careless.errors.contains("--delta 0.1 is not below one over the 32 participants"))
    }

    @Test(arguments: [
        ("--sampler fixed --population 32 --cohort 8 --accountant pld --noise 1", "No pld bound is known for fixed"),
        ("--rate nan --noise 1", "The sampling rate is nan"), ("--rate 1.5 --noise 1", "The sampling rate is 1.5"),
        ("--rate 0 --noise 1", "The sampling rate is 0.0"), ("--rate=-0.5 --noise 1", "The sampling rate is -0.5"),
        ("--rate 0.1 --noise=-1", "The noise multiplier is -1.0"),
        ("--rate 0.1 --noise nan", "noise multiplier is nan"),
        ("--rate 0.1 --noise 0", "The noise multiplier is 0.0"), ("--rate 0.1 --epsilon 0", "--epsilon 0.0 must be"),
        ("--rate 0.1 --epsilon nan", "--epsilon nan must be"), ("--rate 0.1", "one of the two"),
        ("--rate 0.1 --noise 1 --epsilon 2", "one of the two"), ("--noise 1", "--sampler poisson needs --rate"),
        ("--rate 0.1 --cohort 5 --noise 1", "--cohort goes with --sampler fixed"),
        ("--sampler full --rate 0.5 --noise 1", "--sampler full means --rate 1"),
        ("--sampler fixed --cohort 5 --noise 1", "needs --population"),
        ("--sampler fixed --population 5 --noise 1", "needs --cohort"),
        ("--sampler fixed --population 5 --cohort 6 --noise 1", "The cohort is 6.0"),
        ("--sampler fixed --population 32 --rate 0.26 --noise 1", "no cohort of 8"),
        ("--sampler cyclic --rate 0.1 --noise 1", "cyclic"), ("--rate 0.1 --noise 1 --accountant moments", "moments"),
    ]) func wrongUse(flags: String, expected: String) throws {
        let run = try run("dp --rounds 3 --delta 1e-3 " + flags)
        #expect(run.status == 64)
        #expect(run.errors.contains(expected), "\(run.errors)")
        #expect(run.output.isEmpty)
    }

    @Test(arguments: ["0", "1", "-1", "nan", "2"]) func deltaOutsideItsRange(_ delta: String) throws {
        let run = try run("dp --rate 0.1 --noise 1 --rounds 3 --delta=\(delta)")
        #expect(run.status == 64)
        #expect(run.errors.contains("The δ is"))
    }

    @Test func noiseBeyondReachFails() throws {
        let run = try run("dp --rate 1 --epsilon 1e-9 --delta 1e-20 --rounds 1000")
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("error: No noise multiplier up to 1000000.0 gives ε 1e-09"))
    }

    @Test func oneRunBound() throws {
        let result = try figures(
            "audit epsilon --canaries 1000 --guesses 100 --correct 75 --delta 1e-5 --significance 0.05"
        )
        #expect(abs(try #require(result["epsilon"] as? Double) - 0.699467) < 1e-6)
        #expect(abs(try #require(result["gaussianEpsilon"] as? Double) - 1.005916) < 1e-5)
        let text = try run("audit epsilon --canaries 1000 --guesses 100 --correct 75 --delta 1e-4")
        #expect(
            text.output == """
                ε at least 0.6729 at δ 0.0001, 95.0 % confidence, for any mechanism
                at least 0.8417, assuming a Gaussian trade-off curve

                """
        )
        let pure = try figures("audit epsilon --canaries 1000 --guesses 100 --correct 100 --delta 0")
        #expect(pure["gaussianEpsilon"] == nil)
        #expect(abs(try #require(pure["epsilon"] as? Double) - 3.492965) < 1e-6)
    }

    @Test(arguments: [
        "--canaries 10 --guesses 11 --correct 5 --delta 0", "--canaries 10 --guesses 5 --correct 6 --delta 0",
        "--canaries 0 --guesses 0 --correct 0 --delta 0", "--canaries 10 --guesses 5 --correct 5 --delta 1",
        "--canaries 10 --guesses 5 --correct 5 --delta nan", "--canaries 10 --guesses 5 --correct 5",
        "--canaries 10 --guesses 5 --correct 5 --delta 0 --significance 1",
    ]) func wrongCounts(_ flags: String) throws {
        let run = try run("audit epsilon " + flags)
        #expect(run.status == 64)
        #expect(run.output.isEmpty && !run.errors.isEmpty)
    }
}
