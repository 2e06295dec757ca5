import CKernels
import Glibc
import TensorEngine
import Testing

private let page = 4096

private struct NoMemory: Error {}

/// Operands and results end where a page begins that nobody may touch: a kernel that reads or writes one number too
/// many ends the process.
@Suite(.enabled(if: ComputePrecision.supportsBFloat16, "this processor has no AVX512_BF16"))
struct BFloat16BoundsTests {
    /// Zeros, as many as wanted, up to the very end of the memory that there is.
    private final class Edge<Element> {
        let pointer: UnsafeMutablePointer<Element>
        private let base: UnsafeMutableRawPointer
        private let size: Int

        init(_ count: Int) throws {
            let bytes = count * MemoryLayout<Element>.stride
            size = (bytes + page - 1) / page * page + page
            let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let pages = mapped, pages != MAP_FAILED else { throw NoMemory() }
            base = pages
            let end = base + (size - page)
            pointer = (end - bytes).assumingMemoryBound(to: Element.self)
            mprotect(end, page, PROT_NONE)
        }

        deinit { munmap(base, size) }
    }

    private static let shapes = [(1, 1), (2, 2), (3, 16), (7, 31), (9, 49), (33, 47), (17, 97), (48, 34)]

    private func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    @Test(arguments: shapes) func packing(rows: Int, columns: Int) throws {
        let even = (columns + 1) / 2 * 2
        let (floats, halves) = (try Edge<Float>(rows * columns), try Edge<UInt16>(rows * even))
        fsot_bf16_rows(floats.pointer, rows, columns, columns, 1, halves.pointer, even)
        let pairs = try Edge<UInt32>((rows + 1) / 2 * columns)
        fsot_bf16_pairs(floats.pointer, 0, rows, columns, columns, pairs.pointer, columns)
        fsot_bf16_pairs(halves.pointer, 1, rows, columns, even, pairs.pointer, columns)
        // The last panel of either kind.
        let (width, height) = (min(48, columns), min(48, rows))
        let byRows = try Edge<UInt32>((rows + 1) / 2 * padded(width))
        fsot_bf16_panel_of_rows(floats.pointer + columns - width, 0, rows, width, columns, byRows.pointer)
        fsot_bf16_panel_of_rows(halves.pointer + even - width, 1, rows, width, even, byRows.pointer)
        let byColumns = try Edge<UInt32>((columns + 1) / 2 * padded(height))
        let (floatRow, halfRow) = ((rows - height) * columns, (rows - height) * even)
        fsot_bf16_panel_of_columns(floats.pointer + floatRow, 0, height, columns, columns, byColumns.pointer)
        fsot_bf16_panel_of_columns(halves.pointer + halfRow, 1, height, columns, even, byColumns.pointer)
        withExtendedLifetime((floats, halves, pairs, byRows, byColumns)) {}
    }

    @Test(arguments: shapes) func products(rows: Int, columns: Int) throws {
        let inner = 3
        let (a, b) = (try Edge<UInt32>(rows * inner), try Edge<UInt32>(inner * padded(columns)))
        let (c, scale) = (try Edge<Float>(rows * columns), try Edge<Float>(rows))
        for (rowStep, pairStep) in [(inner, 1), (1, rows)] {
            fsot_bf16_gemm(
                rows,
                columns,
                inner,
                a.pointer,
                rowStep,
                pairStep,
                b.pointer,
                columns,
                48 * inner,
                c.pointer,
                columns,
                1,
                scale.pointer,
                1
            )
        }
        withExtendedLifetime((a, b, c, scale)) {}
    }

    @Test(arguments: shapes) func elementwise(rows: Int, columns: Int) throws {
        let count = rows * columns
        let floats = try (0..<2).map { _ in try Edge<Float>(count) }
        let halves = try (0..<5).map { _ in try Edge<UInt16>(count) }
        let (x, y) = (floats[0].pointer, floats[1].pointer)
        let h = halves.map(\.pointer)
        fsot_bf16_swiglu(x, y, h[0], h[1], h[2], count)
        fsot_bf16_swiglu_apply(h[1], h[2], h[0], count)
        fsot_bf16_swiglu_backward(x, h[1], h[2], h[3], h[4], count)
        fsot_bf16_floats(h[0], y, count)
        var top: Float = 0
        _ = fsot_bf16_exponentials(x, count, h[0], &top)
        let (weight, factors) = (try Edge<Float>(columns), try Edge<Float>(rows))
        fsot_bf16_rmsnorm(x, weight.pointer, h[0], factors.pointer, rows, columns, 1e-5)
        fsot_bf16_rmsnorm_apply(x, weight.pointer, factors.pointer, h[0], rows, columns)
        withExtendedLifetime((floats, halves, weight, factors)) {}
    }

    /// Rows of a block that begins at `first`.
    @Test(arguments: [(1, 0), (2, 0), (15, 0), (16, 64), (17, 64), (63, 0), (64, 128)])
    func attention(rows: Int, first: Int) throws {
        let visible = first + rows
        let stride = padded(visible)
        let floats = try (0..<2).map { _ in try Edge<Float>(rows * stride) }
        let (halves, sums) = (try Edge<UInt16>(rows * stride), try (0..<2).map { _ in try Edge<Float>(rows) })
        let pairs = try (0..<2).map { _ in try Edge<UInt32>((rows + 1) / 2 * stride) }
        let (scores, dp, lse) = (floats[0].pointer, floats[1].pointer, sums[1].pointer)
        fsot_bf16_causal_softmax(
            scores,
            rows,
            visible,
            stride,
            first,
            halves.pointer,
            stride,
            sums[0].pointer,
            lse,
            1
        )
        fsot_bf16_score_gradients(
            scores,
            dp,
            rows,
            visible,
            stride,
            first,
            lse,
            1,
            pairs[0].pointer,
            halves.pointer,
            pairs[1].pointer
        )
        withExtendedLifetime((floats, halves, sums, pairs)) {}
    }
}
