//go:build !noasm

#include "textflag.h"
#include "go_asm.h"

// The kernels of level AVX512. VPOPCNTQ counts the ones of eight words in one
// instruction; the rest is bringing the counts of a code together, comparing,
// and leaving the loop only for a hit.
//
// Single queries: the query is repeated along a register, a load takes four
// halves (or eight words), and VPERMT2Q parts the counts of first and second
// words, so that their sum holds eight halves in order. A group is 16 halves or
// 32 words: the loop waits for memory, not for arithmetic.
//
// Eight queries: word w of all eight lies in register Zw, a code's words are
// broadcast to them by the memory operand of VPXORQ, and a register holds the
// distances of one code to the eight queries. A group is 8 codes with their
// distances in Z8 to Z15; the least of each lane decides whether any of them is
// looked at. VPMINUD is enough, as a distance fits the low half of its lane, and
// is cheaper than VPMINUQ.
//
// Where a kernel reads one plane it asks for the memory AHEAD bytes on, across
// the page borders at which the hardware stops: halvesAVX512 over a million
// halves takes 0.165 ns a half with it and 0.18 to 0.19 without. With two planes
// it costs more than it brings.
//
// Registers of all kernels:
//	DX   position to stop at
//	CX   position of the group
//	SI   its first element
//	R9   its first element in the second plane (codes)
//	DI   buffer for finds
//	R8   finds in it
//	Z31  limit, in each lane
// The limits are compared as signed: a negative one matches nothing.

// Indices for VPERMT2Q: the even and the odd words of two registers.
DATA even<>+0(SB)/8, $0
DATA even<>+8(SB)/8, $2
DATA even<>+16(SB)/8, $4
DATA even<>+24(SB)/8, $6
DATA even<>+32(SB)/8, $8
DATA even<>+40(SB)/8, $10
DATA even<>+48(SB)/8, $12
DATA even<>+56(SB)/8, $14
GLOBL even<>(SB), RODATA|NOPTR, $64
DATA odd<>+0(SB)/8, $1
DATA odd<>+8(SB)/8, $3
DATA odd<>+16(SB)/8, $5
DATA odd<>+24(SB)/8, $7
DATA odd<>+32(SB)/8, $9
DATA odd<>+40(SB)/8, $11
DATA odd<>+48(SB)/8, $13
DATA odd<>+56(SB)/8, $15
GLOBL odd<>(SB), RODATA|NOPTR, $64

#define AHEAD 4096

// START loads the registers of a kernel from the scan at AX.
#define START \
	MOVQ s+0(FP), AX       \
	MOVQ scan_a(AX), SI    \
	MOVQ scan_query(AX), BX \
	MOVQ scan_out(AX), DI  \
	MOVQ scan_from(AX), CX \
	MOVQ scan_to(AX), DX   \
	XORQ R8, R8

// FINISH leaves in the scan how far the kernel came.
#define FINISH \
	MOVQ s+0(FP), AX       \
	MOVQ CX, scan_from(AX) \
	MOVQ R8, scan_written(AX) \
	VZEROUPPER             \
	RET

// LANES appends the lanes in which the distances in sum, those of code k of the
// group, are within the limits. It always writes and advances if there are any.
#define LANES(sum, k) \
	VPCMPQ $2, Z31, sum, K1 \
	KMOVW  K1, R10          \
	LEAL   k(CX), R11       \
	MOVL   R11, (DI)(R8*8)  \
	MOVL   R10, 4(DI)(R8*8) \
	CMPL   R10, $1          \
	SBBQ   $-1, R8

// LEAST puts the least distances of each lane over the group into Z16.
#define LEAST \
	VPMINUD Z8, Z9, Z16    \
	VPMINUD Z10, Z11, Z17  \
	VPMINUD Z12, Z13, Z18  \
	VPMINUD Z14, Z15, Z19  \
	VPMINUD Z16, Z17, Z16  \
	VPMINUD Z18, Z19, Z18  \
	VPMINUD Z16, Z18, Z16

// HALFOF8 puts the distances of the half at p to Z0, Z1 into sum.
#define HALFOF8(p, sum) \
	VPXORQ.BCST p, Z0, Z20   \
	VPXORQ.BCST 8+p, Z1, Z21 \
	VPOPCNTQ    Z20, Z20     \
	VPOPCNTQ    Z21, Z21     \
	VPADDQ      Z20, Z21, sum

// MOREOF8 adds to sum the distances of the half at p to Z2, Z3.
#define MOREOF8(p, sum) \
	VPXORQ.BCST p, Z2, Z22   \
	VPXORQ.BCST 8+p, Z3, Z23 \
	VPOPCNTQ    Z22, Z22     \
	VPOPCNTQ    Z23, Z23     \
	VPADDQ      Z22, sum, sum \
	VPADDQ      Z23, sum, sum

// EIGHT adds the counts in x and y, of four halves each, half by half into x.
// It destroys t.
#define EIGHT(x, y, t) \
	VMOVDQA64 x, t      \
	VPERMT2Q  y, Z28, t \
	VPERMT2Q  y, Z29, x \
	VPADDQ    t, x, x

// func halvesAVX512(s *scan)
TEXT ·halvesAVX512(SB), NOSPLIT, $0-8
	START
	VBROADCASTI32X4 (BX), Z30
	VPBROADCASTQ    scan_limit(AX), Z31
	VMOVDQU64       even<>(SB), Z28
	VMOVDQU64       odd<>(SB), Z29
	MOVQ            CX, R10
	SHLQ            $4, R10
	ADDQ            R10, SI

	PCALIGN $32
loop:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	PREFETCHT0 (AHEAD+128)(SI)
	PREFETCHT0 (AHEAD+192)(SI)
	VPXORQ   (SI), Z30, Z0
	VPXORQ   64(SI), Z30, Z1
	VPXORQ   128(SI), Z30, Z2
	VPXORQ   192(SI), Z30, Z3
	VPOPCNTQ Z0, Z0
	VPOPCNTQ Z1, Z1
	VPOPCNTQ Z2, Z2
	VPOPCNTQ Z3, Z3
	EIGHT(Z0, Z1, Z4)
	EIGHT(Z2, Z3, Z5)
	VPCMPQ   $2, Z31, Z0, K1
	VPCMPQ   $2, Z31, Z2, K2
	KORTESTW K1, K2
	JNZ      hit
next:
	ADDQ     $256, SI
	ADDQ     $16, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	KUNPCKBW K1, K2, K1
	KMOVW    K1, R10
write:
	TZCNTL   R10, R11
	ADDL     CX, R11
	MOVL     R11, (DI)(R8*4)
	INCQ     R8
	BLSRL    R10, R10
	JNZ      write
	CMPQ     R8, $(const_room-16)
	JLE      next
	ADDQ     $16, CX
	JMP      done

// func codesAVX512(s *scan)
TEXT ·codesAVX512(SB), NOSPLIT, $0-8
	START
	MOVQ            scan_b(AX), R9
	VBROADCASTI32X4 (BX), Z30
	VBROADCASTI32X4 16(BX), Z27
	VPBROADCASTQ    scan_limit(AX), Z31
	VMOVDQU64       even<>(SB), Z28
	VMOVDQU64       odd<>(SB), Z29
	MOVQ            CX, R10
	SHLQ            $4, R10
	ADDQ            R10, SI
	ADDQ            R10, R9

	PCALIGN $32
loop:
	VPXORQ   (SI), Z30, Z0
	VPXORQ   64(SI), Z30, Z1
	VPXORQ   128(SI), Z30, Z2
	VPXORQ   192(SI), Z30, Z3
	VPXORQ   (R9), Z27, Z4
	VPXORQ   64(R9), Z27, Z5
	VPXORQ   128(R9), Z27, Z6
	VPXORQ   192(R9), Z27, Z7
	VPOPCNTQ Z0, Z0
	VPOPCNTQ Z1, Z1
	VPOPCNTQ Z2, Z2
	VPOPCNTQ Z3, Z3
	VPOPCNTQ Z4, Z4
	VPOPCNTQ Z5, Z5
	VPOPCNTQ Z6, Z6
	VPOPCNTQ Z7, Z7
	VPADDQ   Z0, Z4, Z0
	VPADDQ   Z1, Z5, Z1
	VPADDQ   Z2, Z6, Z2
	VPADDQ   Z3, Z7, Z3
	EIGHT(Z0, Z1, Z4)
	EIGHT(Z2, Z3, Z5)
	VPCMPQ   $2, Z31, Z0, K1
	VPCMPQ   $2, Z31, Z2, K2
	KORTESTW K1, K2
	JNZ      hit
next:
	ADDQ     $256, SI
	ADDQ     $256, R9
	ADDQ     $16, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	KUNPCKBW K1, K2, K1
	KMOVW    K1, R10
write:
	TZCNTL   R10, R11
	ADDL     CX, R11
	MOVL     R11, (DI)(R8*4)
	INCQ     R8
	BLSRL    R10, R10
	JNZ      write
	CMPQ     R8, $(const_room-16)
	JLE      next
	ADDQ     $16, CX
	JMP      done

// func wordsAVX512(s *scan)
TEXT ·wordsAVX512(SB), NOSPLIT, $0-8
	START
	VPBROADCASTQ (BX), Z30
	VPBROADCASTQ scan_limit(AX), Z31
	LEAQ         (SI)(CX*8), SI

	PCALIGN $32
loop:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	PREFETCHT0 (AHEAD+128)(SI)
	PREFETCHT0 (AHEAD+192)(SI)
	VPXORQ   (SI), Z30, Z0
	VPXORQ   64(SI), Z30, Z1
	VPXORQ   128(SI), Z30, Z2
	VPXORQ   192(SI), Z30, Z3
	VPOPCNTQ Z0, Z0
	VPOPCNTQ Z1, Z1
	VPOPCNTQ Z2, Z2
	VPOPCNTQ Z3, Z3
	VPMINUD  Z0, Z1, Z4
	VPMINUD  Z2, Z3, Z5
	VPMINUD  Z4, Z5, Z4
	VPCMPQ   $2, Z31, Z4, K1
	KORTESTW K1, K1
	JNZ      hit
next:
	ADDQ     $256, SI
	ADDQ     $32, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	VPCMPQ   $2, Z31, Z0, K1
	VPCMPQ   $2, Z31, Z1, K2
	VPCMPQ   $2, Z31, Z2, K3
	VPCMPQ   $2, Z31, Z3, K4
	KUNPCKBW K1, K2, K1
	KUNPCKBW K3, K4, K3
	KUNPCKWD K1, K3, K1
	KMOVD    K1, R10
write:
	TZCNTL   R10, R11
	ADDL     CX, R11
	MOVL     R11, (DI)(R8*4)
	INCQ     R8
	BLSRL    R10, R10
	JNZ      write
	CMPQ     R8, $(const_room-32)
	JLE      next
	ADDQ     $32, CX
	JMP      done

// func halvesOf8AVX512(s *scan)
TEXT ·halvesOf8AVX512(SB), NOSPLIT, $0-8
	START
	MOVQ      scan_limits(AX), R10
	VMOVDQU64 (R10), Z31
	VMOVDQU64 (BX), Z0
	VMOVDQU64 64(BX), Z1
	MOVQ      CX, R10
	SHLQ      $4, R10
	ADDQ      R10, SI

	PCALIGN $32
loop:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	HALFOF8(0(SI), Z8)
	HALFOF8(16(SI), Z9)
	HALFOF8(32(SI), Z10)
	HALFOF8(48(SI), Z11)
	HALFOF8(64(SI), Z12)
	HALFOF8(80(SI), Z13)
	HALFOF8(96(SI), Z14)
	HALFOF8(112(SI), Z15)
	LEAST
	VPCMPQ   $2, Z31, Z16, K1
	KORTESTW K1, K1
	JNZ      hit
next:
	ADDQ     $128, SI
	ADDQ     $8, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	LANES(Z8, 0)
	LANES(Z9, 1)
	LANES(Z10, 2)
	LANES(Z11, 3)
	LANES(Z12, 4)
	LANES(Z13, 5)
	LANES(Z14, 6)
	LANES(Z15, 7)
	CMPQ     R8, $(const_room-8)
	JLE      next
	ADDQ     $8, CX
	JMP      done

// func codesOf8AVX512(s *scan)
TEXT ·codesOf8AVX512(SB), NOSPLIT, $0-8
	START
	MOVQ      scan_b(AX), R9
	MOVQ      scan_limits(AX), R10
	VMOVDQU64 (R10), Z31
	VMOVDQU64 (BX), Z0
	VMOVDQU64 64(BX), Z1
	VMOVDQU64 128(BX), Z2
	VMOVDQU64 192(BX), Z3
	MOVQ      CX, R10
	SHLQ      $4, R10
	ADDQ      R10, SI
	ADDQ      R10, R9

	PCALIGN $32
loop:
	HALFOF8(0(SI), Z8)
	MOREOF8(0(R9), Z8)
	HALFOF8(16(SI), Z9)
	MOREOF8(16(R9), Z9)
	HALFOF8(32(SI), Z10)
	MOREOF8(32(R9), Z10)
	HALFOF8(48(SI), Z11)
	MOREOF8(48(R9), Z11)
	HALFOF8(64(SI), Z12)
	MOREOF8(64(R9), Z12)
	HALFOF8(80(SI), Z13)
	MOREOF8(80(R9), Z13)
	HALFOF8(96(SI), Z14)
	MOREOF8(96(R9), Z14)
	HALFOF8(112(SI), Z15)
	MOREOF8(112(R9), Z15)
	LEAST
	VPCMPQ   $2, Z31, Z16, K1
	KORTESTW K1, K1
	JNZ      hit
next:
	ADDQ     $128, SI
	ADDQ     $128, R9
	ADDQ     $8, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	LANES(Z8, 0)
	LANES(Z9, 1)
	LANES(Z10, 2)
	LANES(Z11, 3)
	LANES(Z12, 4)
	LANES(Z13, 5)
	LANES(Z14, 6)
	LANES(Z15, 7)
	CMPQ     R8, $(const_room-8)
	JLE      next
	ADDQ     $8, CX
	JMP      done

// func rowsOf8AVX512(s *scan)
TEXT ·rowsOf8AVX512(SB), NOSPLIT, $0-8
	START
	MOVQ      scan_limits(AX), R10
	VMOVDQU64 (R10), Z31
	VMOVDQU64 (BX), Z0
	VMOVDQU64 64(BX), Z1
	VMOVDQU64 128(BX), Z2
	VMOVDQU64 192(BX), Z3
	MOVQ      CX, R10
	SHLQ      $5, R10
	ADDQ      R10, SI

	PCALIGN $32
loop:
	PREFETCHT0 (AHEAD+0)(SI)
	PREFETCHT0 (AHEAD+64)(SI)
	PREFETCHT0 (AHEAD+128)(SI)
	PREFETCHT0 (AHEAD+192)(SI)
	HALFOF8(0(SI), Z8)
	HALFOF8(32(SI), Z9)
	HALFOF8(64(SI), Z10)
	HALFOF8(96(SI), Z11)
	HALFOF8(128(SI), Z12)
	HALFOF8(160(SI), Z13)
	HALFOF8(192(SI), Z14)
	HALFOF8(224(SI), Z15)
	LEAST
	VPCMPQ   $2, Z31, Z16, K1
	KORTESTW K1, K1
	JNZ      more
next:
	ADDQ     $256, SI
	ADDQ     $8, CX
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
more:
	MOREOF8(16(SI), Z8)
	LANES(Z8, 0)
	MOREOF8(48(SI), Z9)
	LANES(Z9, 1)
	MOREOF8(80(SI), Z10)
	LANES(Z10, 2)
	MOREOF8(112(SI), Z11)
	LANES(Z11, 3)
	MOREOF8(144(SI), Z12)
	LANES(Z12, 4)
	MOREOF8(176(SI), Z13)
	LANES(Z13, 5)
	MOREOF8(208(SI), Z14)
	LANES(Z14, 6)
	MOREOF8(240(SI), Z15)
	LANES(Z15, 7)
	CMPQ     R8, $(const_room-8)
	JLE      next
	ADDQ     $8, CX
	JMP      done
