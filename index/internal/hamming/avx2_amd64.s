//go:build !noasm

#include "textflag.h"
#include "go_asm.h"

// The kernels of level AVX2. It has no instruction that counts ones, but
// VPSHUFB looks up 32 bytes in a table of 16: the ones of a byte are those of
// its two nibbles (Mula, Kurz, Lemire: Faster Population Counts Using AVX2
// Instructions, 2018), and VPSADBW adds the eight bytes of a word. The bytes of
// up to four words are added before it, as 32 ones a byte are far from 255.
//
// Single queries: the query is repeated along a register, a load takes two
// halves (or four words), and the bytes of the first and second words of four
// halves are added before VPSADBW. Their distances are in the order 0, 2, 1, 3,
// which matters only at a hit. A group is 16 halves or 32 words.
//
// Eight queries: two registers hold the distances of one code to them, and a
// word of the code is broadcast. It is split into nibbles before the queries
// come in, and these are split once by the caller, which saves half of the
// shifts and masks: the 128 bytes for word w are the low nibbles of word w of
// the eight queries, and then the high ones. They are read from memory; the
// registers would not hold them. Of four codes the least distances of each lane
// are kept, and if these are near, the four are counted once more, one by one.
//
// Registers of all kernels:
//	DX   position to stop at
//	CX   position of the group
//	SI   its first element
//	R9   its first element in the second plane (codes)
//	DI   buffer for finds
//	R8   finds in it
//	BX   queries
//	Y15  0x0f in each byte
//	Y14  ones of a nibble, the table
//	Y13  zero
//	Y11  limit, in each lane; of eight queries: of lanes 0 to 3
//	Y12  the query; of eight queries: limits of lanes 4 to 7
// The limits are compared as signed: a negative one matches nothing.

DATA nibble<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $8
DATA ones<>+0(SB)/8, $0x0302020102010100
DATA ones<>+8(SB)/8, $0x0403030203020201
GLOBL ones<>(SB), RODATA|NOPTR, $16

// START loads the registers of a kernel; it leaves the scan in AX.
#define START \
	MOVQ           s+0(FP), AX        \
	MOVQ           scan_a(AX), SI     \
	MOVQ           scan_query(AX), BX \
	MOVQ           scan_out(AX), DI   \
	MOVQ           scan_from(AX), CX  \
	MOVQ           scan_to(AX), DX    \
	XORQ           R8, R8             \
	VPBROADCASTQ   nibble<>(SB), Y15  \
	VBROADCASTI128 ones<>(SB), Y14    \
	VPXOR          Y13, Y13, Y13

// FINISH leaves in the scan how far the kernel came.
#define FINISH \
	MOVQ s+0(FP), AX          \
	MOVQ CX, scan_from(AX)    \
	MOVQ R8, scan_written(AX) \
	VZEROUPPER                \
	RET

// COUNT replaces the bytes of x by their numbers of ones. It destroys t.
#define COUNT(x, t) \
	VPAND   Y15, x, t  \
	VPSRLW  $4, x, x   \
	VPAND   Y15, x, x  \
	VPSHUFB t, Y14, t  \
	VPSHUFB x, Y14, x  \
	VPADDB  t, x, x

// FOLD puts into sum the distances of the four halves whose bytes are counted
// in Y0 and Y1.
#define FOLD(sum) \
	VPALIGNR $8, Y0, Y1, Y2    \
	VPBLENDD $0xcc, Y1, Y0, Y0 \
	VPADDB   Y2, Y0, Y0        \
	VPSADBW  Y13, Y0, sum

// FOUR puts into sum the distances of the four halves at off(SI).
#define FOUR(off, sum) \
	VPXOR off(SI), Y12, Y0    \
	VPXOR off+32(SI), Y12, Y1 \
	COUNT(Y0, Y2)             \
	COUNT(Y1, Y3)             \
	FOLD(sum)

// FOURCODES puts into sum the distances of the four codes at off(SI), off(R9).
#define FOURCODES(off, sum) \
	VPXOR  off(SI), Y12, Y0    \
	VPXOR  off+32(SI), Y12, Y1 \
	VPXOR  off(R9), Y10, Y2    \
	VPXOR  off+32(R9), Y10, Y3 \
	COUNT(Y0, Y8)              \
	COUNT(Y1, Y9)              \
	COUNT(Y2, Y8)              \
	COUNT(Y3, Y9)              \
	VPADDB Y0, Y2, Y0          \
	VPADDB Y1, Y3, Y1          \
	FOLD(sum)

// FARFOUR puts into the bits from shift of R10 which of four halves are far.
#define FARFOUR(sum, shift) \
	VPERMQ    $0xd8, sum, sum \
	FARWORDS(sum, shift)

// FARWORDS puts into the bits from shift of R10 which of four words are far.
#define FARWORDS(sum, shift) \
	VPCMPGTQ  Y11, sum, sum \
	VMOVMSKPD sum, R11      \
	SHLL      $shift, R11   \
	ORL       R11, R10

// func halvesAVX2(s *scan)
TEXT ·halvesAVX2(SB), NOSPLIT, $0-8
	START
	VBROADCASTI128 (BX), Y12
	VPBROADCASTQ   scan_limit(AX), Y11
	MOVQ           CX, R10
	SHLQ           $4, R10
	ADDQ           R10, SI

	PCALIGN $32
loop:
	FOUR(0, Y4)
	FOUR(64, Y5)
	FOUR(128, Y6)
	FOUR(192, Y7)
	VPMINUD   Y4, Y5, Y0
	VPMINUD   Y6, Y7, Y1
	VPMINUD   Y0, Y1, Y0
	VPCMPGTQ  Y11, Y0, Y0
	VMOVMSKPD Y0, R10
	CMPL      R10, $15
	JNE       hit
next:
	ADDQ      $256, SI
	ADDQ      $16, CX
	CMPQ      CX, DX
	JLT       loop
done:
	FINISH
hit:
	XORL      R10, R10
	FARFOUR(Y4, 0)
	FARFOUR(Y5, 4)
	FARFOUR(Y6, 8)
	FARFOUR(Y7, 12)
	XORL      $0xffff, R10
write:
	TZCNTL    R10, R11
	ADDL      CX, R11
	MOVL      R11, (DI)(R8*4)
	INCQ      R8
	BLSRL     R10, R10
	JNZ       write
	CMPQ      R8, $(const_room-16)
	JLE       next
	ADDQ      $16, CX
	JMP       done

// func codesAVX2(s *scan)
// Y10 holds the second half of the query.
TEXT ·codesAVX2(SB), NOSPLIT, $0-8
	START
	MOVQ           scan_b(AX), R9
	VBROADCASTI128 (BX), Y12
	VBROADCASTI128 16(BX), Y10
	VPBROADCASTQ   scan_limit(AX), Y11
	MOVQ           CX, R10
	SHLQ           $4, R10
	ADDQ           R10, SI
	ADDQ           R10, R9

	PCALIGN $32
loop:
	FOURCODES(0, Y4)
	FOURCODES(64, Y5)
	FOURCODES(128, Y6)
	FOURCODES(192, Y7)
	VPMINUD   Y4, Y5, Y0
	VPMINUD   Y6, Y7, Y1
	VPMINUD   Y0, Y1, Y0
	VPCMPGTQ  Y11, Y0, Y0
	VMOVMSKPD Y0, R10
	CMPL      R10, $15
	JNE       hit
next:
	ADDQ      $256, SI
	ADDQ      $256, R9
	ADDQ      $16, CX
	CMPQ      CX, DX
	JLT       loop
done:
	FINISH
hit:
	XORL      R10, R10
	FARFOUR(Y4, 0)
	FARFOUR(Y5, 4)
	FARFOUR(Y6, 8)
	FARFOUR(Y7, 12)
	XORL      $0xffff, R10
write:
	TZCNTL    R10, R11
	ADDL      CX, R11
	MOVL      R11, (DI)(R8*4)
	INCQ      R8
	BLSRL     R10, R10
	JNZ       write
	CMPQ      R8, $(const_room-16)
	JLE       next
	ADDQ      $16, CX
	JMP       done

// FOURWORDS puts into sum the distances of the four words at off(SI).
#define FOURWORDS(off, sum) \
	VPXOR   off(SI), Y12, sum \
	COUNT(sum, Y8)            \
	VPSADBW Y13, sum, sum

// func wordsAVX2(s *scan)
TEXT ·wordsAVX2(SB), NOSPLIT, $0-8
	START
	VPBROADCASTQ (BX), Y12
	VPBROADCASTQ scan_limit(AX), Y11
	LEAQ         (SI)(CX*8), SI

	PCALIGN $32
loop:
	FOURWORDS(0, Y0)
	FOURWORDS(32, Y1)
	FOURWORDS(64, Y2)
	FOURWORDS(96, Y3)
	FOURWORDS(128, Y4)
	FOURWORDS(160, Y5)
	FOURWORDS(192, Y6)
	FOURWORDS(224, Y7)
	VPMINUD   Y0, Y1, Y8
	VPMINUD   Y2, Y3, Y9
	VPMINUD   Y8, Y9, Y8
	VPMINUD   Y4, Y5, Y9
	VPMINUD   Y8, Y9, Y8
	VPMINUD   Y6, Y7, Y9
	VPMINUD   Y8, Y9, Y8
	VPCMPGTQ  Y11, Y8, Y8
	VMOVMSKPD Y8, R10
	CMPL      R10, $15
	JNE       hit
next:
	ADDQ      $256, SI
	ADDQ      $32, CX
	CMPQ      CX, DX
	JLT       loop
done:
	FINISH
hit:
	XORL      R10, R10
	FARWORDS(Y0, 0)
	FARWORDS(Y1, 4)
	FARWORDS(Y2, 8)
	FARWORDS(Y3, 12)
	FARWORDS(Y4, 16)
	FARWORDS(Y5, 20)
	FARWORDS(Y6, 24)
	FARWORDS(Y7, 28)
	NOTL      R10
write:
	TZCNTL    R10, R11
	ADDL      CX, R11
	MOVL      R11, (DI)(R8*4)
	INCQ      R8
	BLSRL     R10, R10
	JNZ       write
	CMPQ      R8, $(const_room-32)
	JLE       next
	ADDQ      $32, CX
	JMP       done

// WORD puts into x and y, for lanes 0 to 3 and 4 to 7, the ones of each byte of
// the word at p against word w of the queries. It destroys Y0 to Y5.
#define WORD(p, w, x, y) \
	VPBROADCASTQ p, Y0           \
	VPSRLW       $4, Y0, Y1      \
	VPAND        Y15, Y0, Y0     \
	VPAND        Y15, Y1, Y1     \
	VPXOR        (w*128)(BX), Y0, Y2    \
	VPXOR        (w*128+32)(BX), Y0, Y3 \
	VPXOR        (w*128+64)(BX), Y1, Y4 \
	VPXOR        (w*128+96)(BX), Y1, Y5 \
	VPSHUFB      Y2, Y14, Y2     \
	VPSHUFB      Y3, Y14, Y3     \
	VPSHUFB      Y4, Y14, Y4     \
	VPSHUFB      Y5, Y14, Y5     \
	VPADDB       Y2, Y4, x       \
	VPADDB       Y3, Y5, y

// ADDWORD adds what WORD would put into Y6, Y7 to them.
#define ADDWORD(p, w) \
	WORD(p, w, Y2, Y3)   \
	VPADDB Y2, Y6, Y6    \
	VPADDB Y3, Y7, Y7

// HALFOF8 puts the distances of the half at p to the first half of the queries
// into Y6, Y7.
#define HALFOF8(p) \
	WORD(p, 0, Y6, Y7)     \
	ADDWORD(8+p, 1)        \
	VPSADBW Y13, Y6, Y6    \
	VPSADBW Y13, Y7, Y7

// CODEOF8 puts the distances of the code with the halves at p, r into Y6, Y7.
#define CODEOF8(p, r) \
	WORD(p, 0, Y6, Y7)     \
	ADDWORD(8+p, 1)        \
	ADDWORD(r, 2)          \
	ADDWORD(8+r, 3)        \
	VPSADBW Y13, Y6, Y6    \
	VPSADBW Y13, Y7, Y7

// KEEP makes Y8, Y9 the least distances so far.
#define KEEP \
	VPMINUD Y6, Y8, Y8 \
	VPMINUD Y7, Y9, Y9

// FAR sets in R10 the lanes in which the distances in x, y are beyond the
// limits. It destroys x and y.
#define FAR(x, y) \
	VPCMPGTQ  Y11, x, x \
	VPCMPGTQ  Y12, y, y \
	VMOVMSKPD x, R10    \
	VMOVMSKPD y, R11    \
	SHLL      $4, R11   \
	ORL       R11, R10

// LANES appends the lanes in which the distances in Y6, Y7, those of the code at
// position R12, are within the limits. It always writes and advances if there
// are any.
#define LANES \
	FAR(Y6, Y7)              \
	XORL $0xff, R10          \
	MOVL R12, (DI)(R8*8)     \
	MOVL R10, 4(DI)(R8*8)    \
	CMPL R10, $1             \
	SBBQ $-1, R8

// func halvesOf8AVX2(s *scan)
TEXT ·halvesOf8AVX2(SB), NOSPLIT, $0-8
	START
	MOVQ     scan_limits(AX), R10
	VMOVDQU  (R10), Y11
	VMOVDQU  32(R10), Y12
	MOVQ     CX, R10
	SHLQ     $4, R10
	ADDQ     R10, SI

	PCALIGN $32
loop:
	HALFOF8(0(SI))
	VMOVDQA  Y6, Y8
	VMOVDQA  Y7, Y9
	HALFOF8(16(SI))
	KEEP
	HALFOF8(32(SI))
	KEEP
	HALFOF8(48(SI))
	KEEP
	ADDQ     $64, SI
	ADDQ     $4, CX
	FAR(Y8, Y9)
	CMPL     R10, $0xff
	JNE      hit
next:
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	LEAQ     -64(SI), R13
	LEAQ     -4(CX), R12
each:
	HALFOF8(0(R13))
	LANES
	ADDQ     $16, R13
	INCQ     R12
	CMPQ     R12, CX
	JLT      each
	CMPQ     R8, $(const_room-4)
	JLE      next
	JMP      done

// func codesOf8AVX2(s *scan)
TEXT ·codesOf8AVX2(SB), NOSPLIT, $0-8
	START
	MOVQ     scan_b(AX), R9
	MOVQ     scan_limits(AX), R10
	VMOVDQU  (R10), Y11
	VMOVDQU  32(R10), Y12
	MOVQ     CX, R10
	SHLQ     $4, R10
	ADDQ     R10, SI
	SUBQ     scan_a(AX), R9 // the second plane, seen from the first

	PCALIGN $32
loop:
	CODEOF8(0(SI), 0(SI)(R9*1))
	VMOVDQA  Y6, Y8
	VMOVDQA  Y7, Y9
	CODEOF8(16(SI), 16(SI)(R9*1))
	KEEP
	CODEOF8(32(SI), 32(SI)(R9*1))
	KEEP
	CODEOF8(48(SI), 48(SI)(R9*1))
	KEEP
	ADDQ     $64, SI
	ADDQ     $4, CX
	FAR(Y8, Y9)
	CMPL     R10, $0xff
	JNE      hit
next:
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	LEAQ     -64(SI), R13
	LEAQ     -4(CX), R12
each:
	CODEOF8(0(R13), 0(R13)(R9*1))
	LANES
	ADDQ     $16, R13
	INCQ     R12
	CMPQ     R12, CX
	JLT      each
	CMPQ     R8, $(const_room-4)
	JLE      next
	JMP      done

// func rowsOf8AVX2(s *scan)
TEXT ·rowsOf8AVX2(SB), NOSPLIT, $0-8
	START
	MOVQ     scan_limits(AX), R10
	VMOVDQU  (R10), Y11
	VMOVDQU  32(R10), Y12
	MOVQ     CX, R10
	SHLQ     $5, R10
	ADDQ     R10, SI

	PCALIGN $32
loop:
	HALFOF8(0(SI))
	VMOVDQA  Y6, Y8
	VMOVDQA  Y7, Y9
	HALFOF8(32(SI))
	KEEP
	HALFOF8(64(SI))
	KEEP
	HALFOF8(96(SI))
	KEEP
	ADDQ     $128, SI
	ADDQ     $4, CX
	FAR(Y8, Y9)
	CMPL     R10, $0xff
	JNE      hit
next:
	CMPQ     CX, DX
	JLT      loop
done:
	FINISH
hit:
	LEAQ     -128(SI), R13
	LEAQ     -4(CX), R12
each:
	CODEOF8(0(R13), 16(R13))
	LANES
	ADDQ     $32, R13
	INCQ     R12
	CMPQ     R12, CX
	JLT      each
	CMPQ     R8, $(const_room-4)
	JLE      next
	JMP      done
