#include "CPeaks.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Enough independent sums to hide the latency of two units; the barrier keeps the compiler from folding them.
#define SUMS 12
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#define KEEP_WIDE(x) __asm__ volatile("" : "+v"(x))

__attribute__((target("avx512f"))) static double f32_avx512(size_t iterations) {
    __m512 sum[SUMS], a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    for (int k = 0; k < SUMS; k++) sum[k] = _mm512_set1_ps((float)k);
    for (size_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int k = 0; k < SUMS; k++) {
            sum[k] = _mm512_fmadd_ps(sum[k], a, b);
            KEEP_WIDE(sum[k]);
        }
    }
    return (double)iterations * SUMS * 32;
}

__attribute__((target("avx2,fma"))) static double f32_avx2(size_t iterations) {
    __m256 sum[SUMS], a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    for (int k = 0; k < SUMS; k++) sum[k] = _mm256_set1_ps((float)k);
    for (size_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int k = 0; k < SUMS; k++) {
            sum[k] = _mm256_fmadd_ps(sum[k], a, b);
            KEEP(sum[k]);
        }
    }
    return (double)iterations * SUMS * 16;
}

__attribute__((target("avx512f,avx512bf16"))) static double bf16_avx512(size_t iterations) {
    __m512 sum[SUMS];
    __m512bh a = (__m512bh)_mm512_set1_epi32(0x3f003f00), b = (__m512bh)_mm512_set1_epi32(0x3e803e80);
    for (int k = 0; k < SUMS; k++) sum[k] = _mm512_set1_ps((float)k);
    for (size_t i = 0; i < iterations; i++) {
#pragma clang loop unroll(full)
        for (int k = 0; k < SUMS; k++) {
            sum[k] = _mm512_dpbf16_ps(sum[k], a, b);
            KEEP_WIDE(sum[k]);
        }
    }
    return (double)iterations * SUMS * 64;
}
#endif

double peak_f32(size_t iterations) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return f32_avx512(iterations);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return f32_avx2(iterations);
#endif
    (void)iterations;
    return 0;
}

double peak_bf16(size_t iterations) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16")) return bf16_avx512(iterations);
#endif
    (void)iterations;
    return 0;
}

float peak_read(const float *x, size_t n) {
    typedef float v16 __attribute__((vector_size(64), aligned(4)));
    v16 sum[4] = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int k = 0; k < 4; k++) sum[k] += *(const v16 *)(x + i + 16 * k);
    float total = 0;
    for (; i < n; i++) total += x[i];
    for (int k = 0; k < 4; k++)
        for (int lane = 0; lane < 16; lane++) total += sum[k][lane];
    return total;
}
