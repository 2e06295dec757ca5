import ArgumentParser
import DifferentialPrivacy
import Federation
import Training

/// How `fsot tune` limits what the tuned adapter can tell of a record, and of a data holder.
struct PrivacyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "DP-SGD at every data holder: standard deviation of the noise on the sum of clipped record gradients / --dp-clip.",
            valueName: "sigma"
        )
    )
    var dpNoise: Double?

    @Option(help: ArgumentHelp("Largest norm of one record's gradient.", valueName: "norm"))
    var dpClip: Double?

    @Option(
        help: ArgumentHelp("δ of the records' guarantee: well below one over a holder's records.", valueName: "delta")
    )
    var dpDelta: Double?

    @Option(
        help: ArgumentHelp(
            "Chance of each record to be in a step, by a coin of its own. (default: --batch / records)",
            valueName: "rate"
        )
    )
    var dpRate: Double?

    @Option(
        help: ArgumentHelp(
            "Noise by the coordinator, who is trusted with it, on the sum of clipped updates: standard deviation / --client-dp-clip; with --sample, / twice that.",
            valueName: "z"
        )
    )
    var clientDpNoise: Double?

    @Option(help: ArgumentHelp("Largest norm of one data holder's update, masked or not.", valueName: "norm"))
    var clientDpClip: Double?

    @Option(help: ArgumentHelp("δ of the holders' guarantee: below one over the holders.", valueName: "delta"))
    var clientDpDelta: Double?

    /// Whether any noise is added.
    var isOn: Bool { dpNoise != nil || clientDpNoise != nil }

    /// - Parameters:
    ///   - sample: data holders of a round; nil: all.
    ///   - clip: the secure sum's clip, where it was given.
    ///   - weights: of the mean.
    func validate(sample: Int?, clip: Double?, weights: AveragingWeights) throws {
        if dpNoise == nil, dpClip != nil || dpDelta != nil || dpRate != nil {
            throw ValidationError("--dp-clip, --dp-delta and --dp-rate need --dp-noise")
        }
        if dpNoise != nil, dpClip == nil || dpDelta == nil {
            throw ValidationError("--dp-noise needs --dp-clip and --dp-delta")
        }
        if dpNoise != nil, sample != nil {
            throw ValidationError(
                "--dp-noise does not go with --sample: its steps are counted for holders that are in every round; leave out --sample"
            )
        }
        if clientDpNoise == nil, clientDpClip != nil || clientDpDelta != nil {
            throw ValidationError("--client-dp-clip and --client-dp-delta need --client-dp-noise")
        }
        if clientDpNoise != nil, clientDpClip == nil || clientDpDelta == nil {
            throw ValidationError("--client-dp-noise needs --client-dp-clip and --client-dp-delta")
        }
        if clientDpNoise != nil, weights != .uniform {
            throw ValidationError("--client-dp-noise does not go with --weights records; give --weights uniform")
        }
        if let clip, let clientDpClip, clip != clientDpClip {
            throw ValidationError(
                "--clip \(clip) and --client-dp-clip \(clientDpClip) clip the same updates; leave out --clip"
            )
        }
        // What the libraries refuse is a contradiction between flags: a wrong use, not a failure.
        do {
            _ = try records()
            _ = try holders()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// DP-SGD at the data holders; nil: none.
    ///
    /// - Throws: `TrainingError`, `DifferentialPrivacyError`.
    func records() throws -> RecordPrivacy? {
        guard let dpNoise, let dpClip, let dpDelta else { return nil }
        return try RecordPrivacy(
            noiseMultiplier: dpNoise,
            clippingNorm: dpClip,
            delta: dpDelta,
            samplingRate: dpRate
        )
    }

    /// Noise at the coordinator; nil: none.
    ///
    /// - Throws: `FederationError`, `DifferentialPrivacyError`.
    func holders() throws -> ClientPrivacy? {
        guard let clientDpNoise, let clientDpClip, let clientDpDelta else { return nil }
        return try ClientPrivacy(
            noiseMultiplier: clientDpNoise,
            clippingNorm: clientDpClip,
            delta: clientDpDelta
        )
    }
}
