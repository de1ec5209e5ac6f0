process PEFTSP_PREDICT {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "peftsp:0.1.0" // built from packaging/docker/Dockerfile

    input:
    tuple val(meta), path(fasta)

    output:
    tuple val(meta), path("${prefix}/predictions.tsv") , emit: tsv
    tuple val(meta), path("${prefix}/predictions.gff3"), emit: gff, optional: true
    tuple val(meta), path("${prefix}/mature.fasta")    , emit: mature, optional: true
    tuple val(meta), path("${prefix}/skipped.tsv")     , emit: skipped, optional: true
    path "versions.yml"                                , emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    peftsp-predict \\
        $fasta \\
        --output $prefix \\
        --threads $task.cpus \\
        --formats tsv,gff3,fasta \\
        --no-progress \\
        $args

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        peftsp: \$(peftsp-predict --version | sed 's/.* //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir $prefix
    touch $prefix/predictions.tsv $prefix/predictions.gff3 $prefix/mature.fasta

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        peftsp: \$(peftsp-predict --version | sed 's/.* //')
    END_VERSIONS
    """
}
